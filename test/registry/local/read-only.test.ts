import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Duplex, Transform } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readOnly } from '../../../src/registry/local/read-only.ts'
import { random } from '../../shell/random.ts'

const get = 'GET /v2/a/blobs/sha256:01 HTTP/1.1\r\nHost: localhost\r\nRange: bytes=5-\r\n\r\n'

/** What gets through of some text that comes in pieces, and whether the rest is refused. */
function through(text: string, size = text.length || 1) {
  const guard = readOnly()
  let passed = ''
  for (let at = 0; at < text.length; at += size) {
    const { pass, refuse } = guard(Buffer.from(text.slice(at, at + size), 'latin1'))
    passed += pass.toString('latin1')
    if (refuse !== undefined) return { passed, isRefused: true }
  }
  return { passed, isRefused: false }
}

describe('a request that reads goes through', () => {
  test.each([
    get,
    'GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    'HEAD /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nAccept: a, b\r\nContent-Length: 0\r\n\r\n',
    'GET /v2/a/tags/list?n=5 HTTP/1.0\r\n\r\n',
    get.repeat(3),
  ])('%j, however it is cut', text => {
    for (const size of [1, 2, 3, 7, text.length])
      expect(through(text, size)).toEqual({ passed: text, isRefused: false })
  })
  test('only when it is whole', () => {
    expect(through(get.slice(0, -1))).toEqual({ passed: '', isRefused: false })
  })
})

describe('anything else is refused, and nothing of it goes through', () => {
  test.each([
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}',
    'DELETE /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\n\r\n',
    'PATCH /v2/ HTTP/1.1\r\n\r\n',
    'get /v2/ HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET /debug/vars HTTP/1.1\r\n\r\n',
    'GET http://elsewhere/v2/ HTTP/1.1\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nDELETE',
    'GET /v2/ HTTP/1.1\r\nHost: x\r\ncontent-length:  07\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nHost: x\r\n Transfer-Encoding: chunked\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nUpgrade: h2c\r\n\r\n',
    'GET /v2/ HTTP/1.1\nHost: x\n\nDELETE /v2/a HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nHost: x\n\nDELETE /v2/a HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /v2/ HTTP/1.1\r\nHost: x\r\rDELETE /v2/a HTTP/1.1\r\n\r\n',
    '\r\nDELETE /v2/ HTTP/1.1\r\n\r\n',
    '\r\n\r\n',
    'a'.repeat(70_000),
  ])('%j', text => {
    for (const size of [1, 5, text.length]) expect(through(text, size)).toEqual({ passed: '', isRefused: true })
    expect(through(get + text, 11)).toEqual({ passed: get, isRefused: true })
  })
})

test('what cannot become a request that reads is refused at its first byte that says so', () => {
  const hello = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
  for (const text of [hello, 'P', 'GEX', 'GET /v1', 'HEAD /x', '\r'])
    expect(through(text, 1), JSON.stringify(text)).toEqual({ passed: '', isRefused: true })
  expect(through(get + hello)).toEqual({ passed: get, isRefused: true })
})

describe('in front of a real HTTP server', () => {
  const seen: string[] = []
  const server = createServer((asked, response) => {
    seen.push(asked.method ?? '')
    asked.resume()
    response.end('answer')
  })
  beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  /** A connection to the server behind the guard, as a tunnel has it. */
  const guarded = () => {
    const guard = readOnly()
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const gate = new Transform({
      transform(chunk, _, done) {
        const { pass, refuse } = guard(chunk)
        if (pass.length > 0) this.push(pass)
        if (refuse !== undefined) socket.destroy()
        done()
      },
    })
    gate.pipe(socket)
    socket.on('error', () => {})
    return Duplex.from({ readable: socket, writable: gate })
  }
  const ask = (method: string) =>
    new Promise<string>(resolve => {
      const sent = request({ method, path: '/v2/', createConnection: guarded }, response => {
        response.setEncoding('utf8').on('data', text => resolve(text))
      })
      sent.on('error', () => resolve('refused'))
      sent.end()
    })

  test.each([
    ['GET', 'answer'],
    ['POST', 'refused'],
    ['DELETE', 'refused'],
  ])('%s: %s', async (method, expected) => expect(await ask(method)).toBe(expected))

  test('no noise gets a request through that does more than read', async () => {
    const { next, pick, text } = random(3)
    const parts = [
      'GET /v2/ HTTP/1.1',
      'DELETE /v2/ HTTP/1.1',
      'POST /v2/ HTTP/1.1',
      '\r\n',
      '\n',
      '\r',
      ' ',
      'Host: x',
    ]
    const more = ['Content-Length: 0', 'Content-Length: 9', 'Transfer-Encoding: chunked', '\r\n\r\n', '0\r\n\r\n', ':']
    seen.length = 0
    for (let round = 0; round < 150; round++) {
      const noise = Array.from({ length: 12 }, () => (next() < 0.1 ? text(3) : pick([...parts, ...more]))).join('')
      const { passed } = through(noise)
      await new Promise<void>(resolve => {
        const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.end(passed, 'latin1'))
        socket
          .resume()
          .on('error', () => {})
          .on('close', () => resolve())
      })
    }
    expect(seen.filter(method => method !== 'GET')).toEqual([])
  })
})
