import { createHash, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { localRunner } from '../../src/runner/local.ts'
import { recorder } from '../../src/runner/recorder.ts'
import { type Connection, canTunnel } from '../../src/runner/runner.ts'
import { connectSsh } from '../../src/runner/ssh.ts'
import { sh } from '../../src/shell/script.ts'
import { freePort, type Home, hasSshd, makeHome, removeHome, type Sshd, startSshd } from './sshd.ts'

const megabyte = 1024 * 1024
const hasAddOn: boolean = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js').bindingAvailable

/** Bytes in buffers that something still holds. */
function memoryInUse(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().arrayBuffers
}

describe.skipIf(!hasSshd)('a reverse tunnel', () => {
  let home: Home
  let sshd: Sshd
  let connection: Connection
  let here: Server
  let target: { host: string; port: number }
  let answer: (socket: Socket) => void

  beforeAll(async () => {
    home = makeHome()
    sshd = await startSshd(home)
  })
  afterAll(async () => {
    await sshd.stop()
    removeHome(home)
  })
  beforeEach(async () => {
    here = createServer({ allowHalfOpen: true }, socket => answer(socket.on('error', () => {})))
    await new Promise<void>(resolve => here.listen(0, '127.0.0.1', resolve))
    target = { host: '127.0.0.1', port: (here.address() as { port: number }).port }
    connection = await connectSsh(sshd.target(), { environment: home.environment })
  })
  afterEach(async () => {
    await connection.close()
    here.close()
  })

  test('listens on the port that sshd chose, and on 127.0.0.1 only', async () => {
    answer = socket => socket.end('hello')
    const tunnel = await connection.forward(0, target)
    expect(tunnel.port).toBeGreaterThan(1024)
    expect((await readAll(connect(tunnel.port, '127.0.0.1'))).toString()).toBe('hello')
    const { stdout } = await connection.run(
      sh`grep -il ${`:${tunnel.port.toString(16).padStart(4, '0')} 00000000:0000`} /proc/net/tcp /proc/net/tcp6`,
    )
    expect(stdout).toBe('/proc/net/tcp\n')
    const listening = await connection.run(
      sh`grep -i ${`:${tunnel.port.toString(16).padStart(4, '0')} 00000000:0000`} /proc/net/tcp`,
    )
    expect(listening.stdout).toMatch(/ 0100007F:/)
  })

  test('turns away who comes from elsewhere, where GatewayPorts has sshd listen on all addresses', async () => {
    const open = await startSshd(home, ['GatewayPorts yes'])
    onTestFinished(open.stop)
    const other = await connectSsh(open.target(), { environment: home.environment })
    onTestFinished(() => other.close())
    answer = socket => socket.end('hello')
    const strangers: string[] = []
    const tunnel = await other.forward(0, { ...target, onStranger: address => strangers.push(address) })
    const own = Object.values(networkInterfaces())
      .flat()
      .find(one => one && !one.internal && one.family === 'IPv4')
    if (own) {
      const outside = await readAll(connect(tunnel.port, own.address)).catch(() => Buffer.alloc(0))
      expect([outside.length, strangers]).toEqual([0, [own.address]])
    }
    for (const loopback of ['127.0.0.1', '127.0.0.2'])
      expect((await readAll(connect(tunnel.port, loopback))).toString()).toBe('hello')
  })

  test('passes on what its guard lets through, and ends with its answer what it refuses', async () => {
    let received = ''
    answer = socket => {
      socket.on('data', chunk => {
        received += chunk
        socket.write('yes ')
      })
      socket.on('end', () => socket.end())
    }
    const guard = (chunk: Buffer) =>
      String(chunk).includes('bad') ? { pass: Buffer.from('last '), refuse: 'no' } : { pass: chunk }
    const tunnel = await connection.forward(0, { ...target, attend: () => ({ guard }) })
    const socket = connect(tunnel.port, '127.0.0.1')
    socket.write('good ')
    await new Promise(resolve => socket.once('data', resolve))
    socket.write('bad')
    expect((await readAll(socket)).toString()).toContain('no')
    await expect.poll(() => received).toBe('good last ')
    socket.destroy()
  })

  test('listens on the port that was asked for, until it is closed', async () => {
    answer = socket => socket.end('hello')
    const port = await freePort()
    const tunnel = await connection.forward(port, target)
    expect(tunnel.port).toBe(port)
    expect((await readAll(connect(port, '127.0.0.1'))).toString()).toBe('hello')
    await tunnel.close()
    await tunnel.close()
    await expect(readAll(connect(port, '127.0.0.1'))).rejects.toThrow(/ECONNREFUSED/)
    await (await connection.forward(port, target)).close()
  })

  test('carries 200 MB without a change', async () => {
    const chunk = randomBytes(4 * megabyte)
    const sent = createHash('sha256')
    answer = socket => void pump(socket, chunk, 50, sent)
    const tunnel = await connection.forward(0, target)
    const { bytes, hash } = await digest(connect(tunnel.port, '127.0.0.1'))
    expect(bytes).toBe(200 * megabyte)
    expect(hash).toBe(sent.digest('hex'))
  })

  test('carries 100 MB the other way', async () => {
    const chunk = randomBytes(4 * megabyte)
    const sent = createHash('sha256')
    const received = new Promise<{ bytes: number; hash: string }>(resolve => {
      answer = socket => {
        resolve(digest(socket))
        socket.end()
      }
    })
    const tunnel = await connection.forward(0, target)
    const socket = connect({ port: tunnel.port, host: '127.0.0.1', allowHalfOpen: true })
    await pump(socket, chunk, 25, sent)
    expect(await received).toEqual({ bytes: 100 * megabyte, hash: sent.digest('hex') })
  })

  test('carries several at once, while commands run', async () => {
    const chunk = randomBytes(megabyte)
    answer = socket => void pump(socket, chunk, 10, createHash('sha256'))
    const tunnel = await connection.forward(0, target)
    const downloads = Array.from({ length: 6 }, () => digest(connect(tunnel.port, '127.0.0.1')))
    const runs = Array.from({ length: 10 }, (_, index) => connection.run(sh`echo ${index}`))
    expect((await Promise.all(runs)).map(({ stdout }) => Number(stdout))).toEqual([...Array(10).keys()])
    expect(new Set((await Promise.all(downloads)).map(({ hash }) => hash)).size).toBe(1)
  })

  test('carries an answer after the question has ended', async () => {
    answer = async socket => socket.end(`got ${(await readAll(socket)).length}`)
    const tunnel = await connection.forward(0, target)
    const socket = connect({ port: tunnel.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end(Buffer.alloc(300_000))
    expect((await readAll(socket)).toString()).toBe('got 300000')
  })

  test('carries a question after the answer has ended', async () => {
    const received = new Promise<number>(resolve => {
      answer = async socket => {
        socket.end('enough')
        resolve((await readAll(socket)).length)
      }
    })
    const tunnel = await connection.forward(0, target)
    const socket = connect({ port: tunnel.port, host: '127.0.0.1', allowHalfOpen: true })
    expect((await readAll(socket)).toString()).toBe('enough')
    socket.end(Buffer.alloc(300_000))
    expect(await received).toBe(300_000)
  })

  test('waits for a reader that is slow, without taking memory for what is not read', async () => {
    let written = 0
    answer = async socket => {
      const chunk = Buffer.alloc(megabyte)
      for (let index = 0; index < 60; index += 1) {
        const hasRoom = socket.write(chunk, () => {
          written += 1
        })
        if (!hasRoom) await new Promise(resolve => socket.once('drain', resolve))
      }
      socket.end()
    }
    const tunnel = await connection.forward(0, target)
    const reader = connect(tunnel.port, '127.0.0.1')
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(written).toBeLessThan(40) // socket buffers on the way included
    expect((await readAll(reader)).length).toBe(60 * megabyte)
  })

  test('goes on for others while one reader has stalled, and memory stays as it is', async () => {
    const chunk = Buffer.alloc(megabyte)
    answer = socket => void pump(socket, chunk, 60, createHash('sha256'))
    const tunnel = await connection.forward(0, target)
    const stalled = connect(tunnel.port, '127.0.0.1')
    await digest(connect(tunnel.port, '127.0.0.1'))
    const before = memoryInUse()
    expect((await digest(connect(tunnel.port, '127.0.0.1'))).bytes).toBe(60 * megabyte)
    expect((await connection.run(sh`echo still here`)).stdout).toBe('still here\n')
    await expect.poll(() => memoryInUse() - before).toBeLessThan(20 * megabyte)
    expect((await digest(stalled)).bytes).toBe(60 * megabyte)
  })

  test.skipIf(!hasAddOn)('takes no new memory for each packet', async () => {
    const chunk = randomBytes(megabyte)
    answer = socket => void pump(socket, chunk, 50, createHash('sha256'))
    const tunnel = await connection.forward(0, target)
    const allocate = vi.spyOn(Buffer, 'allocUnsafe')
    onTestFinished(() => allocate.mockRestore())
    expect((await digest(connect(tunnel.port, '127.0.0.1'))).bytes).toBe(50 * megabyte)
    const packets = allocate.mock.calls.filter(([size]) => size > 32_768)
    expect(packets.length).toBeLessThan(100) // of 1600
  })

  test('ends one connection when its client breaks it off, and the others go on', async () => {
    const { near, far } = await twoConnections()
    near[0].resetAndDestroy()
    await over(far[0])
    near[1].write('ping')
    expect(await firstBytes(far[1])).toBe('ping')
  })

  test('ends one connection when its target breaks it off, and the others go on', async () => {
    const { near, far } = await twoConnections()
    far[0].resetAndDestroy()
    await over(near[0])
    far[1].write('pong')
    expect(await firstBytes(near[1])).toBe('pong')
  })

  async function twoConnections(): Promise<{ near: [Socket, Socket]; far: [Socket, Socket] }> {
    const tunnel = await connection.forward(0, target)
    const pairs: [Socket, Socket][] = []
    for (let count = 0; count < 2; count += 1) {
      const accepted = new Promise<Socket>(resolve => {
        answer = resolve
      })
      const socket = connect(tunnel.port, '127.0.0.1').on('error', () => {})
      pairs.push([socket, await accepted])
    }
    const [one, two] = pairs as [[Socket, Socket], [Socket, Socket]]
    return { near: [one[0], two[0]], far: [one[1], two[1]] }
  }

  test('closes the connections to it when nothing listens here', async () => {
    const tunnel = await connection.forward(0, { host: '127.0.0.1', port: await freePort() })
    expect((await readAll(connect(tunnel.port, '127.0.0.1')).catch(() => Buffer.alloc(0))).length).toBe(0)
    expect((await connection.run(sh`echo still here`)).code).toBe(0)
  })

  test('ends its connections when it is closed', async () => {
    answer = socket => void socket.resume()
    const tunnel = await connection.forward(0, target)
    const socket = connect(tunnel.port, '127.0.0.1').resume()
    await new Promise(resolve => here.once('connection', resolve))
    const closed = new Promise(resolve => socket.on('error', () => {}).once('close', resolve))
    await tunnel.close()
    await closed
  })

  test('ends its connections when the connection is lost', async () => {
    const other = await startSshd(home)
    onTestFinished(other.stop)
    const lost = await connectSsh(other.target(), { environment: home.environment })
    answer = socket => void socket.resume()
    const tunnel = await lost.forward(0, target)
    const accepted = new Promise<Socket>(resolve => here.once('connection', resolve))
    connect(tunnel.port, '127.0.0.1')
      .on('error', () => {})
      .resume()
    const atTarget = await accepted
    const ended = new Promise(resolve => atTarget.once('end', resolve))
    other.kill()
    await ended
    const closed = new Promise(resolve => atTarget.once('close', resolve))
    const writing = setInterval(() => atTarget.write('is anybody there?'), 20)
    await closed
    clearInterval(writing)
    await lost.close()
  })

  test('on a port that is taken is refused, and the hint names both causes', async () => {
    await expect(connection.forward(sshd.port, target)).rejects.toMatchObject({
      code: 'tunnel.failed',
      server: 'web1',
      message: expect.stringContaining(`port ${sshd.port}`),
      hint: expect.stringMatching(/in use.*AllowTcpForwarding/),
    })
    expect((await connection.run(sh`echo still here`)).code).toBe(0)
  })

  test('that sshd forbids is refused', async () => {
    const closed = await startSshd(home, ['AllowTcpForwarding no'])
    onTestFinished(closed.stop)
    const other = await connectSsh(closed.target(), { environment: home.environment })
    onTestFinished(() => other.close())
    await expect(other.forward(0, target)).rejects.toMatchObject({ code: 'tunnel.failed', hint: /AllowTcpForwarding/ })
    await expect(other.dial('127.0.0.1', target.port)).rejects.toMatchObject({
      code: 'tunnel.failed',
      hint: /AllowTcpForwarding/,
    })
  })

  test('dial reaches a port of the server', async () => {
    answer = async socket => socket.end(`got ${(await readAll(socket)).length}`)
    const stream = await connection.dial('127.0.0.1', target.port)
    stream.end(Buffer.alloc(100_000))
    expect((await readAll(stream)).toString()).toBe('got 100000')
  })

  test('dial says when nothing listens there', async () => {
    const port = await freePort()
    await expect(connection.dial('127.0.0.1', port)).rejects.toMatchObject({
      code: 'tunnel.failed',
      message: `web1 (127.0.0.1:${sshd.port}) did not connect to port ${port} of its 127.0.0.1: Connection refused`,
    })
  })

  test('dial lets the server look a name up', async () => {
    answer = async socket => socket.end('hello')
    expect((await readAll(await connection.dial('localhost', target.port))).toString()).toBe('hello')
    await expect(connection.dial('nowhere.invalid', 1)).rejects.toMatchObject({
      code: 'tunnel.failed',
      message: expect.stringContaining('did not connect to nowhere.invalid:1: '),
      cause: { reason: 2 },
    })
  })

  test('is something that only a connection has', () => {
    expect(canTunnel(connection)).toBe(true)
    expect(canTunnel(localRunner('here'))).toBe(false)
    expect(canTunnel(recorder('web1'))).toBe(false)
  })
})

function over(socket: Socket): Promise<unknown> {
  return new Promise(resolve => socket.resume().once('end', resolve).once('close', resolve))
}

function firstBytes(socket: Socket): Promise<string> {
  return new Promise(resolve => socket.once('data', chunk => resolve(chunk.toString())))
}

/** Not by `for await`, which destroys a stream at its end, and with it the half that is still being written. */
function read(stream: Readable, onChunk: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', onChunk).once('end', resolve).once('error', reject)
  })
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  await read(stream, chunk => chunks.push(chunk))
  return Buffer.concat(chunks)
}

async function digest(stream: Readable): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  await read(stream, chunk => {
    hash.update(chunk)
    bytes += chunk.length
  })
  return { bytes, hash: hash.digest('hex') }
}

async function pump(socket: Socket, chunk: Buffer, times: number, hash: ReturnType<typeof createHash>): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    hash.update(chunk)
    if (!socket.write(chunk)) await new Promise(resolve => socket.once('drain', resolve))
  }
  socket.end()
}
