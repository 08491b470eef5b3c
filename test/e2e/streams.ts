import { randomBytes } from 'node:crypto'
import { get, request } from 'node:http'
import type { Socket } from 'node:net'

type Target = { address: string; host: string }

/**
 * A service that says its version in three ways: at once, as a download that takes 20 s, and for each text that comes
 * through a WebSocket.
 */
export function streamingApp(version: string): Record<string, string> {
  return {
    Dockerfile: 'FROM node:20-slim\nCOPY app.mjs /\nCMD ["node", "/app.mjs"]\n',
    'app.mjs': `import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
const version = ${JSON.stringify(version)}
const server = createServer((request, response) => {
  if (request.url !== '/download') return response.end(version)
  const part = (version + '\\n').repeat(1000)
  let left = 200
  response.writeHead(200, { 'content-length': part.length * left })
  const timer = setInterval(() => {
    response.write(part)
    if (--left > 0) return
    clearInterval(timer)
    response.end()
  }, 100)
})
server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
  const accept = createHash('sha1').update(key).digest('base64')
  socket.on('error', () => {})
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nupgrade: websocket\\r\\nconnection: upgrade\\r\\nsec-websocket-accept: ' + accept + '\\r\\n\\r\\n')
  let rest = Buffer.alloc(0)
  socket.on('data', bytes => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 6) {
      const size = rest[1] & 127
      if (rest.length < 6 + size) return
      const mask = rest.subarray(2, 6)
      const text = Buffer.from(rest.subarray(6, 6 + size)).map((byte, i) => byte ^ mask[i % 4])
      const isClosing = (rest[0] & 15) === 8
      rest = rest.subarray(6 + size)
      if (isClosing) return socket.end(Buffer.from([136, 0]))
      const answer = Buffer.from(version + ' ' + text)
      socket.write(Buffer.concat([Buffer.from([129, answer.length]), answer]))
    }
  })
})
server.listen(3000)
process.on('SIGTERM', () => process.exit(0))
`,
  }
}

/** The different lines of a download; fails when it is cut short. */
export function download({ address, host }: Target): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const asked = get({ host: address, path: '/download', headers: { host }, agent: false }, response => {
      let text = ''
      response.on('data', part => {
        text += part
      })
      response.on('error', reject)
      response.on('end', () => {
        const isWhole = text.length === Number(response.headers['content-length'])
        if (isWhole) resolve([...new Set(text.trim().split('\n'))])
        else reject(new Error(`${text.length} bytes of ${response.headers['content-length']}`))
      })
    })
    asked.on('error', reject)
  })
}

export type Conversation = {
  /** Closes it in good order, and gives the different versions that have answered. */
  close(): Promise<string[]>
  /** The milliseconds that it lasted. */
  ended: Promise<number>
}

/** A WebSocket on which a text goes there and back every 100 ms. */
export function converse({ address, host }: Target): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...{ host, connection: 'upgrade', upgrade: 'websocket' },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-key': randomBytes(16).toString('base64') },
    }
    const asked = request({ host: address, headers, agent: false }).end()
    asked.on('error', reject)
    asked.on('response', response => reject(new Error(`no WebSocket: status ${response.statusCode}`)))
    asked.on('upgrade', (_, socket) => resolve(talkOn(socket as Socket)))
  })
}

function talkOn(socket: Socket): Conversation {
  const began = Date.now()
  let sent = 0
  const answers: string[] = []
  const timer = setInterval(() => socket.write(frame(1, String(sent++))), 100)
  socket.on('error', () => {})
  socket.on('data', bytes => {
    for (let at = 0; at + 2 <= bytes.length; at += 2 + (bytes[at + 1] ?? 0)) {
      if (((bytes[at] ?? 0) & 15) === 1) answers.push(bytes.toString('utf8', at + 2, at + 2 + (bytes[at + 1] ?? 0)))
    }
  })
  const over = new Promise<number>(resolve =>
    socket.on('close', () => {
      clearInterval(timer)
      resolve(Date.now() - began)
    }),
  )
  return {
    ended: over,
    async close() {
      if (socket.closed) throw new Error(`the other side has closed it, after ${answers.length} answers`)
      clearInterval(timer)
      socket.write(frame(8, ''))
      await over
      const unanswered = sent - answers.length
      if (unanswered > 0) throw new Error(`${unanswered} of ${sent} texts had no answer`)
      return [...new Set(answers.map(answer => answer.split(' ')[0] ?? ''))]
    },
  }
}

/** As clients send it: masked. */
function frame(kind: number, text: string): Buffer {
  const mask = randomBytes(4)
  const masked = Buffer.from(text).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  return Buffer.concat([Buffer.from([128 | kind, 128 | masked.length]), mask, masked])
}
