import { describe, expect, test } from 'vitest'
import { pushOnly } from '../../../src/registry/local/push-only.ts'
import { random } from '../../shell/random.ts'

const end = '\r\n\r\n'
const begin = `POST /v2/shop-web/blobs/uploads/?mount=sha256%3A01&from=other HTTP/1.1\r\nHost: 127.0.0.1:9270\r\nContent-Length: 0${end}`
const chunked = `PATCH /v2/shop-web/blobs/uploads/0-1?_state=a%2Fb HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked${end}5\r\nhello\r\nA\r\n${'x'.repeat(10)}\r\n0\r\n\r\n`
const whole = `PATCH /v2/shop-web/blobs/uploads/0-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5${end}hello`
const finish = `PUT /v2/shop-web/blobs/uploads/0-1?digest=sha256%3A01 HTTP/1.1\r\nHost: x\r\nContent-Length: 0${end}`
const manifest = `PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2${end}{}`
const read = `HEAD /v2/other/blobs/sha256:01 HTTP/1.1\r\nHost: x${end}`
const good = [begin, chunked, whole, finish, manifest, read]

function through(text: string, size = text.length || 1) {
  const guard = pushOnly(['shop-web', 'shop/api'])
  let passed = ''
  for (let at = 0; at < text.length; at += size) {
    const { pass, refuse } = guard(Buffer.from(text.slice(at, at + size), 'latin1'))
    passed += pass.toString('latin1')
    if (refuse !== undefined) return { passed, isRefused: true }
  }
  return { passed, isRefused: false }
}

describe('a push to one of the repositories goes through', () => {
  test.each([...good, good.join(''), manifest.replaceAll('shop-web', 'shop/api')])('%j, however it is cut', text => {
    for (const size of [1, 2, 3, 7, text.length])
      expect(through(text, size)).toEqual({ passed: text, isRefused: false })
  })
  test('with bodies that are large', () => {
    const body = 'GET /\r\n\r\n'.repeat(20_000)
    const text = whole.replace('Content-Length: 5', `Content-Length: ${body.length}`).replace('hello', body)
    expect(through(text + read, 60_000)).toEqual({ passed: text + read, isRefused: false })
  })
})

describe('anything else is refused, and nothing of it goes through', () => {
  test.each([
    'DELETE /v2/shop-web/manifests/v1 HTTP/1.1\r\nHost: x',
    'PUT /v2/other/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2',
    'PUT /v2/shop-web2/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2',
    'PUT /v2/a/shop-web/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2',
    'POST /v2/other/blobs/uploads/ HTTP/1.1\r\nHost: x',
    'POST /v2/shop-web/manifests/v1 HTTP/1.1\r\nHost: x',
    'PUT /v2/shop-web/manifests/../../other/manifests/v1 HTTP/1.1\r\nHost: x',
    'PUT /v2/shop-web/manifests/%2e%2e/%2e%2e/other/manifests/v1 HTTP/1.1\r\nHost: x',
    'PUT /v2/shop-web/manifests//v1 HTTP/1.1\r\nHost: x',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.0\r\nHost: x',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nContent-Length: +2',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nTransfer-Encoding: gzip, chunked',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nTransfer-Encoding : chunked',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nX: y\r\n Content-Length: 5',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\r\nUpgrade: h2c',
    'PUT /v2/shop-web/manifests/v1 HTTP/1.1\nHost: x',
    'GET /v2/ HTTP/1.1\r\nContent-Length: 3',
    'GET / HTTP/1.1\r\nHost: x',
  ])('%j', head => {
    for (const size of [1, 5, 1000]) expect(through(head + end, size)).toEqual({ passed: '', isRefused: true })
    expect(through(chunked + head + end, 11)).toEqual({ passed: chunked, isRefused: true })
  })
  test.each([
    ['5;a=b\r\n', ''],
    ['-5\r\n', ''],
    ['fffffffff\r\n', ''],
    [' 5\r\n', ''],
    ['5\r\nhello\r\n0\r\nX: y\r\n', '5\r\nhello\r\n0\r\n'],
  ])('a chunk that begins with %j', (line, passed) => {
    const head = chunked.slice(0, chunked.indexOf(end) + 4)
    expect(through(head + line, 3)).toEqual({ passed: head + passed, isRefused: true })
  })
  test('at its first byte, where it cannot become a request', () => {
    for (const text of ['\x16\x03\x01', 'D', 'PO/', 'PUT /v1', '\r'])
      expect(through(text, 1), JSON.stringify(text)).toEqual({ passed: '', isRefused: true })
  })
  test('in any order, after whatever noise', () => {
    const { pick } = random(5)
    const bad = `DELETE /v2/shop-web/manifests/v1 HTTP/1.1\r\nHost: x${end}`
    for (let round = 0; round < 300; round++) {
      const parts = Array.from({ length: 6 }, () => pick(good)).join('')
      expect(through(parts + bad, pick([1, 13, 64, 5000]))).toEqual({ passed: parts, isRefused: true })
    }
  })
})
