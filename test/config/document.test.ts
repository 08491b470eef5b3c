import { describe, expect, test } from 'vitest'
import { readDocument } from '../../src/config/document.ts'

const read = (source: string) => readDocument('deploy.yml', source)

describe('values stay the text that stands in the file', () => {
  test.each<[string, unknown]>([
    ['a: 1.10', { a: '1.10' }],
    ['a: no', { a: 'no' }],
    ['a: yes', { a: 'yes' }],
    ['a: true', { a: 'true' }],
    ['a: 0777', { a: '0777' }],
    ['a: 0x1f', { a: '0x1f' }],
    ['a: 1e3', { a: '1e3' }],
    ['a: 12_000', { a: '12_000' }],
    ['a: 2026-01-31', { a: '2026-01-31' }],
    ['a: .inf', { a: '.inf' }],
    ['a: 22:22', { a: '22:22' }],
    ['a: "1.10"', { a: '1.10' }],
    ["a: ''", { a: '' }],
    ['a: "~"', { a: '~' }],
    ['a: |\n  one\n  two\n', { a: 'one\ntwo\n' }],
    ['1.10: x', { '1.10': 'x' }],
    ['a: {b: [c, 1.0]}', { a: { b: ['c', '1.0'] } }],
    ['a: ${B} $C %d', { a: '${B} $C %d' }],
    ['\ufeffa: b', { a: 'b' }],
    ['a: b\r\nc: d\r\n', { a: 'b', c: 'd' }],
  ])('%j', (source, data) => {
    expect(read(source).problems).toEqual([])
    expect(read(source).data).toEqual(data)
  })
})

describe('a key without a value is as good as not there', () => {
  test.each<[string, unknown]>([
    ['', undefined],
    ['# nothing', undefined],
    ['---', undefined],
    ['a:', { a: undefined }],
    ['a: ~', { a: undefined }],
    ['a:\n  # b: c\nd: e', { a: undefined, d: 'e' }],
    ['a: {b: , c: d}', { a: { b: undefined, c: 'd' } }],
    ['a:\n  - b\n  -\n', { a: ['b', undefined] }],
  ])('%j', (source, data) => {
    expect(read(source).problems).toEqual([])
    expect(read(source).data).toEqual(data)
  })
})

describe('anchors and merge keys', () => {
  test('an alias is what it stands for', () => {
    expect(read('x: &hosts [a, b]\ny: *hosts').data).toEqual({ x: ['a', 'b'], y: ['a', 'b'] })
  })
  test('a merge key takes over what is not written', () => {
    expect(read('x: &d {a: 1, b: 2}\ny:\n  <<: *d\n  b: 3').data).toEqual({
      x: { a: '1', b: '2' },
      y: { a: '1', b: '3' },
    })
  })
  test('several merge at once, the first wins', () => {
    expect(read('x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz:\n  <<: [*x, *y]').data).toMatchObject({ z: { a: '1', b: '2' } })
  })
  test('an alias bomb is a problem and no crash', () => {
    const levels = Array.from({ length: 9 }, (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index},`.repeat(9)}]`)
    const began = Date.now()
    const { problems, data } = read(['l0: &l0 [x]', ...levels].join('\n'))
    expect(problems).toMatchObject([{ code: 'syntax', message: expect.stringMatching(/alias/i) }])
    expect(data).toBeUndefined()
    expect(Date.now() - began).toBeLessThan(2000)
  })
})

describe('what is no YAML', () => {
  test.each<[string, string, string, RegExp]>([
    ['a tab', 'a:\n\tb: c', '2:1', /tab/],
    ['a key twice', 'a: 1\nb: 2\na: 3', '3:1', /unique/],
    ['a key twice, deep', 'a:\n  b: 1\n  b: 2', '3:3', /unique/],
    ['an open quote', 'a: "b\nc: d', '2:5', /quote/],
    ['an open list', 'a: [b, c', '1:9', /]/],
    ['a wrong indent', 'a:\n  b: 1\n c: 2', '3:1', /./],
    ['an unknown alias', 'a: *b', '1:4', /alias/],
    ['two documents', 'a: b\n---\nc: d', '2:1', /document/],
    ['a value after a value', 'a: b: c', '1:4', /nested|compact/i],
    ['a key that is a map', '? {a: b}\n: c', '1:3', /string/],
  ])('%s', (_, source, position, message) => {
    const { problems, data } = read(source)
    expect(data).toBeUndefined()
    expect(problems[0]).toMatchObject({ file: 'deploy.yml', code: 'syntax', path: '' })
    expect(`${problems[0]?.line}:${problems[0]?.column}`).toBe(position)
    expect(problems[0]?.message).toMatch(message)
    expect(problems[0]?.message).toMatch(/^[^A-Z]/)
  })
})

describe('a value is located', () => {
  const source = `servers:
  web1:
    host: example.com
    keys: [one, two]
  web2: &web
    host: b
  web3: *web
  web4:
    <<: *web
empty:
`
  const { locate, has } = read(source)
  const at = (path: (string | number)[], where?: 'key' | 'value') => {
    const { line, column } = locate(path, where)
    return `${line}:${column}`
  }
  test.each<[(string | number)[], 'key' | 'value', string]>([
    [['servers', 'web1', 'host'], 'value', '3:11'],
    [['servers', 'web1', 'host'], 'key', '3:5'],
    [['servers', 'web1', 'keys', 1], 'value', '4:17'],
    [['servers', 'web1'], 'key', '2:3'],
    [['servers', 'web1', 'user'], 'value', '2:3'],
    [['servers', 'web1', 'user'], 'key', '2:3'],
    [['servers', 'web1', 'keys', 7], 'value', '4:5'],
    [['servers', 'web3', 'host'], 'value', '7:3'],
    [['servers', 'web4', 'host'], 'value', '8:3'],
    [['empty'], 'key', '10:1'],
    [['empty', 'x'], 'value', '10:1'],
    [['nowhere', 'at', 'all'], 'value', '1:1'],
    [[], 'value', '1:1'],
  ])('%j, its %s: %s', (path, where, position) => expect(at(path, where)).toBe(position))

  test('and known to be there', () => {
    expect(has(['servers', 'web1', 'keys', 0])).toBe(true)
    expect(has(['servers', 'web1', 'user'])).toBe(false)
    expect(has(['empty'])).toBe(true)
  })
})
