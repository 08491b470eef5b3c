import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createTcp, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { RequestFailed } from '../../../src/registry/protocol/failure.ts'
import { random } from '../../shell/random.ts'
import { answer, certificate, clientTrusting, listen, registry } from '../servers.ts'

const credential = 'Basic c2VjcmV0'
const client = (limit?: number, signal?: AbortSignal) => clientTrusting([certificate()], signal, limit)
const ask = (host: string, path = '/v2/') =>
  client().ask(`https://${host}${path}`, { headers: { authorization: credential }, leaves: true })

describe('a redirect', () => {
  test('on the same origin is followed with the credential, three times', async () => {
    const { host, asked } = await registry(({ url }, response) => {
      const hop = Number(url?.slice(1))
      answer(response, hop < 3 ? 307 : 200, {}, { location: `/${hop + 1}` })
    })
    expect((await ask(host, '/0')).status).toBe(200)
    expect(asked).toEqual([0, 1, 2, 3].map(hop => `GET /${hop} ${credential}`))
    await expect(ask(host, '/-1')).rejects.toMatchObject({ phase: 'http', reason: 'redirects' })
  })
  test('to another port loses it, and the way back does not give it back', async () => {
    const back = { to: '' }
    const other = await registry((_, response) => answer(response, 302, {}, { location: back.to }))
    const first = await registry(({ url }, response) =>
      url === '/end' ? answer(response, 200) : answer(response, 302, {}, { location: `https://${other.host}/x` }),
    )
    back.to = `https://${first.host}/end`
    expect((await ask(first.host)).status).toBe(200)
    expect([...first.asked, ...other.asked]).toEqual([`GET /v2/ ${credential}`, 'GET /end -', 'GET /x -'])
  })
  test('is not followed with a form, nor to where there is no TLS, nor where that is not wanted', async () => {
    const other = await registry((_, response) => answer(response, 200))
    const { host } = await registry((request, response) =>
      answer(
        response,
        307,
        {},
        { location: request.url === '/plain' ? 'http://plain.invalid/' : `https://${other.host}/` },
      ),
    )
    const form = await client().ask(`https://${host}/`, { method: 'POST', body: 'password=secret', leaves: true })
    expect([form.status, (await ask(host, '/plain')).status, (await client().ask(`https://${host}/`)).status]).toEqual([
      307, 307, 307,
    ])
    expect(other.asked).toEqual([])
  })
  test('never shows a credential to another origin, whatever the chain', async () => {
    const { next, pick } = random(3)
    const hosts: string[] = []
    const seen: string[] = []
    const place = () => `https://${pick(hosts)}`
    for (let index = 0; index < 3; index++) {
      const one = await registry(({ headers }, response) => {
        if (headers.authorization && hosts.indexOf(String(headers.host)) !== 0) seen.push(String(headers.host))
        const location = pick([
          `${place()}/x`,
          '/y',
          '//',
          place(),
          '',
          'x',
          `//${pick(hosts)}/z`,
          'http:',
          'https://',
          '%',
          place().toUpperCase(),
          `https://u:p@${pick(hosts)}/`,
          'javascript:1',
          '\\\\x',
        ])
        answer(response, pick([200, 301, 302, 303, 307, 308, 401]), {}, next() < 0.9 ? { location } : {})
      })
      hosts.push(one.host)
    }
    const one = client()
    const methods = ['GET', 'HEAD', 'POST', 'DELETE'] as const
    for (let round = 0; round < 300; round++) {
      const request = { method: pick(methods), headers: { Authorization: credential }, leaves: next() < 0.8 }
      const result = await one.ask(`https://${hosts[0]}/`, request).catch((error: unknown) => error)
      if (result instanceof Error) expect(result).toBeInstanceOf(RequestFailed)
    }
    one.close()
    expect(seen).toEqual([])
  })
})

describe('it ends', () => {
  const slow = async (write: (socket: Socket) => void) =>
    listen(
      createTcp(socket => {
        socket.on('error', () => {})
        write(socket)
      }) as unknown as Server,
    )
  test('where the connection stays silent', async () => {
    const host = await slow(() => {})
    await expect(client(200).ask(`https://${host}/`)).rejects.toMatchObject({ phase: 'connect', reason: 'timeout' })
  })
  test('where no answer comes, or never all of it', async () => {
    const { host } = await registry(({ url }, response) => {
      if (url === '/none') return
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    for (const path of ['none', 'drip'])
      await expect(client(200).ask(`https://${host}/${path}`)).rejects.toMatchObject({
        phase: 'http',
        reason: 'timeout',
      })
  })
  test('where too much comes', async () => {
    const { host } = await registry((_, response) => {
      response.on('error', () => {})
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', pour)
      }
      pour()
    })
    expect((await client().ask(`https://${host}/`)).body).toHaveLength(256 * 1024)
  })
  test('where the signal ends it, with its reason', async () => {
    const { host } = await registry(() => {})
    const stop = new AbortController()
    const asked = client(undefined, stop.signal).ask(`https://${host}/`)
    setTimeout(() => stop.abort(new Error('ctrl-c')), 30)
    await expect(asked).rejects.toThrow('ctrl-c')
  })
  test('where something else than HTTP comes', async () => {
    const answers = [
      'SSH-2.0-x\r\n',
      'HTTP/1.1 \r\n\r\n',
      'HTTP/9.9 200 x\r\n\r\n',
      '\0\0',
      `HTTP/1.1 200\r\na: ${'x'.repeat(40_000)}\r\n\r\n`,
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx',
    ]
    for (const text of answers) {
      const host = await slow(socket => socket.once('data', () => socket.end(text)))
      await expect(client(500).ask(`http://${host}/`)).rejects.toMatchObject({ name: 'RequestFailed', phase: 'http' })
    }
  })
})

describe('it says how far it got', () => {
  test.each<[string, () => Promise<string> | string, object]>([
    ['no name', () => 'https://nowhere.invalid/', { phase: 'dns' }],
    ['nobody there', () => 'https://localhost:1/', { phase: 'connect', reason: 'ECONNREFUSED' }],
    ['no TLS', async () => `https://${await listen(createHttp())}/`, { phase: 'tls' }],
  ])('%s', async (_, address, expected) => {
    await expect(client().ask(await address())).rejects.toMatchObject(expected)
  })
  test('an authority that is not known', async () => {
    const { host, asked } = await registry((_, response) => answer(response, 200))
    await expect(clientTrusting([]).ask(`https://${host}/`)).rejects.toMatchObject({
      phase: 'tls',
      reason: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    expect(asked).toEqual([])
  })
  test('another name', async () => {
    const { host } = await registry((_, response) => answer(response, 200))
    await expect(client().ask(`https://${host.replace('localhost', '127.0.0.2')}/`)).rejects.toMatchObject({
      phase: expect.stringMatching(/tls|connect/),
    })
  })
})

test('a kept connection that was closed meanwhile is opened anew', async () => {
  const sockets: Socket[] = []
  const { host, asked } = await registry((request, response) => {
    sockets.push(request.socket)
    answer(response, 200)
  })
  const one = client()
  for (let round = 0; round < 5; round++) {
    expect((await one.ask(`https://${host}/`)).status).toBe(200)
    if (round % 2) for (const socket of sockets) socket.destroy()
  }
  one.close()
  expect(asked).toHaveLength(5)
})
