import { describe, expect, test } from 'vitest'
import { readDocument } from '../../src/config/document.ts'
import { processorTime } from '../processor-time.ts'

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
    ['a: null', { a: undefined }],
    ['a: {b: NULL, c: "null"}', { a: { b: undefined, c: 'null' } }],
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
    const began = processorTime()
    const { problems, data } = read(['l0: &l0 [x]', ...levels].join('\n'))
    expect(problems).toMatchObject([{ code: 'syntax', message: expect.stringMatching(/alias/i) }])
    expect(data).toBeUndefined()
    expect(processorTime() - began).toBeLessThan(2000)
  })
})

describe('what is no YAML', () => {
  test.each<[string, string, string, RegExp]>([
    ['a tab', 'a:\n\tb: c', '2:1', /tab/],
    ['a key twice', 'a: 1\nb: 2\na: 3', '3:1', /a stands here a second time/],
    ['a key twice, deep', 'a:\n  b: 1\n  b: 2', '3:3', /b stands here a second time/],
    ['an open quote', 'a: "b\nc: d', '2:5', /quote/],
    ['an open list', 'a: [b, c', '1:9', /]/],
    ['a wrong indent', 'a:\n  b: 1\n c: 2', '3:1', /./],
    ['an unknown alias', 'a: *b', '1:4', /alias/],
    ['two documents', 'a: b\n---\nc: d', '2:1', /document/],
    ['a value after a value', 'a: b: c', '1:4', /a value with a : in it must be in quotes/],
    ['an alias in what it repeats', 'a: &b {c: [*b]}', '1:12', /\*b stands inside of what it repeats/],
    ['a merge key in what it repeats', 'a: &b {<<: *b}', '1:12', /\*b stands inside of what it repeats/],
    ['a NUL', 'a: "b\\0c"', '1:4', /a NUL/],
    ['a NUL as it is, in a key', 'a: {b\0: c}', '1:5', /a NUL/],
    ['what is not UTF-8', Buffer.from('a: 1\nb: caf\xe9', 'latin1').toString(), '2:4', /bytes that are not UTF-8/],
    ['a key that is a map', '? {a: b}\n: c', '1:3', /where a key should/],
  ])('%s', (_, source, position, message) => {
    const { problems, data } = read(source)
    expect(data).toBeUndefined()
    expect(problems[0]).toMatchObject({ file: 'deploy.yml', code: 'syntax', path: '' })
    expect(`${problems[0]?.line}:${problems[0]?.column}`).toBe(position)
    expect(problems[0]?.message).toMatch(message)
    expect(problems[0]?.message).toMatch(/^[^A-Z]/)
  })

  test.each<[string, string[]]>([
    [
      'a:\n\tb: c\n\td: e\n',
      [
        '2:1 a tab indents this line, and YAML takes spaces only (put two spaces in the place of each tab; 2 lines have some)',
      ],
    ],
    ['a:\n  b 1\n  c: 2\n', ['2:3 a : is missing after the key (write b: and a space before what follows)']],
    ['a:\n  c: 2\n  b 1\n', ['3:3 a : is missing after the key (write b: and a space before what follows)']],
    ['a:1\nb: 2\n', ['1:1 a space is missing after the : (write a: and a space before what follows)']],
    ['a\nb: 2\n', ['1:1 neither `key: value` nor `- item`']],
    [
      'a:\n  b: 1\n   c: 2\n',
      [
        '2:6 a line below is indented further, and this key has its value already (keys of one map begin in the same column)',
      ],
    ],
    ['a: [b\nc: 1\n', ['2:1 a [ before this has no ] (add ] where the list or map ends)']],
    ['a: {b: 1\nc: 1\n', ['2:1 a { before this has no } (add } where the list or map ends)']],
    [
      'a: @b\nc: `d`\n',
      ['1:4 a value cannot begin with @ (put it in quotes)', '2:4 a value cannot begin with ` (put it in quotes)'],
    ],
    [
      'a: "it"s"\n',
      ['1:8 there is more after the closing quote (inside of \'…\' a quote is written twice, and in "…" as \\")'],
    ],
    [
      'a: "C:\\windows"\n',
      [
        '1:7 in "…" a \\ needs a letter that it goes with, and \\w is none (write it in \'…\', where a \\ is only itself)',
      ],
    ],
    ['a: !b\n', ['1:4 a value that begins with ! must be in quotes']],
    [
      'a: {{ b }}\n',
      [
        '1:5 a map or a list stands where a key should (a value that begins with { or [ must be in quotes; {{ … }} is not filled in by anybody here)',
      ],
    ],
    [
      '<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n',
      ['1:1 a conflict of git stands here (resolve it: keep one of the two, and remove the marks)'],
    ],
    [
      'a: &one {b: 1}\nc: *on\nd: [*.example.com]\n',
      [
        '2:4 there is no anchor &on before this alias (did you mean *one?)',
        '3:5 there is no anchor &.example.com before this alias (a value that begins with * must be in quotes: "*.example.com")',
      ],
    ],
    [
      'a: &one text\nb:\n  <<: *one\n',
      [
        '3:7 << takes the keys of a map, and this is none (an anchor for it stands before a map: x-name: &name {key: value}, then <<: *name)',
      ],
    ],
    [
      'a: 1\na: 2\nb c\nd: [\n',
      [
        '2:1 a stands here a second time (the first is in line 1: remove or rename one)',
        '3:1 a : is missing after the key (write b: and a space before what follows)',
      ],
    ],
  ])('%j: in words, once', (source, lines) => {
    const shown = read(source).problems.map(
      ({ line, column, message, hint }) => `${line}:${column} ${message}${hint ? ` (${hint})` : ''}`,
    )
    expect(shown).toEqual(lines)
  })

  const deep = [99, 101, 20_000]
  const staircase = (depth: number) => Array.from({ length: depth }, (_, index) => `${' '.repeat(index)}a:\n`).join('')
  test.each<[string, (depth: number) => string]>([
    ['lists in brackets', depth => `a: ${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`],
    ['maps in braces', depth => `a: ${'{a: '.repeat(depth - 1)}1${'}'.repeat(depth - 1)}`],
    ['lists in a line', depth => `${'- '.repeat(depth)}a`],
    ['maps, each indented further', depth => staircase(Math.min(depth, 2000))],
    ['lists over several lines', depth => `${'- '.repeat(50)}-\n${' '.repeat(120)}${'- '.repeat(depth - 51)}a\n`],
  ])('nested too deep, as %s, is said and kills nothing', (_, nested) => {
    const isDeep = deep.map(depth => read(nested(depth)).problems.some(({ message }) => /100 levels/.test(message)))
    expect(isDeep).toEqual([false, true, true])
  })

  test('brackets that are text nest nothing', () => {
    expect(read(`a: "${'['.repeat(500)}"\nb: |\n  ${'['.repeat(500)}\n# ${'['.repeat(500)}\n`).problems).toEqual([])
    expect(
      read(Array.from({ length: 500 }, (_, index) => `k${index}: [a, {b: [c]}]\n  `.trimEnd()).join('\n')).problems,
    ).toEqual([])
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
