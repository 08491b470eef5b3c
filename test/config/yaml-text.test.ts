import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { fileMode, readYaml, yamlText } from '../../src/config/yaml-text.ts'

describe('text is the same for readers of YAML 1.1 and 1.2', () => {
  test.each([
    ...[
      'yes',
      'no',
      'on',
      'y',
      'true',
      'null',
      '~',
      '',
      '0123',
      '0o17',
      '0x1f',
      '1e3',
      '1_000',
      '22:22',
      '.inf',
      '1.0',
    ],
    ...[
      '2026-01-31',
      '=',
      '<<',
      '*a',
      '&a',
      '!a',
      '%a',
      '@a',
      '- a',
      'a: b',
      'a #b',
      '#a',
      ' a',
      'a ',
      '\ta',
      '"a',
      "'a",
    ],
    ...['a\nb', 'a\nb\n', 'a\n\n', '\n', ' a\n  b\n', 'a\r\nb', 'a\u2028b', 'a\u0085b', 'a\u0000b', '\ufeffa', '😀'],
    ...['---', '---\na\n...\n', '{a', '[a', '${{ secrets.A }}', 'plain words', 'registry.example.com:5000', '10.0.0.1'],
  ])('%j', text => {
    for (const version of ['1.1', '1.2'] as const)
      expect(parse(yamlText({ key: text, list: [text] }), { version })).toEqual({ key: text, list: [text] })
    expect(yamlText({ key: text })).not.toMatch(/[\u2028\u2029\u0085]/)
  })
})

test('a mode is octal', () => expect(yamlText({ mode: fileMode(0o600) })).toBe('mode: 0600\n'))
test('several values are several documents', () => expect(yamlText({ a: 'b' }, { c: 'd' })).toBe('a: b\n---\nc: d\n'))
test('the same object twice has no anchor', () => {
  const same = { a: 'b' }
  expect(yamlText({ x: same, z: same })).toBe('x:\n  a: b\nz:\n  a: b\n')
})

describe('what others wrote', () => {
  test.each<[string, unknown]>([
    ['a: b\n---\nc: 1\n', [{ a: 'b' }, { c: 1 }]],
    ['', []],
    ['a: [b', undefined],
    ['a: *b', undefined],
    ['a: 1\na: 2', undefined],
    ['{'.repeat(50_000), undefined],
    ['- '.repeat(20_000), undefined],
    [
      ['l0: &l0 [x]', ...Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`)].join(
        '\n',
      ),
      undefined,
    ],
  ])('%.40j', (text, values) => expect(readYaml(text)).toEqual(values))

  // The parser would take its time for these, and for ten thousand levels all memory.
  test.each<[string, (depth: number) => string]>([
    ['brackets', depth => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`],
    ['braces', depth => `${'{a: '.repeat(depth)}b${'}'.repeat(depth)}`],
    ['dashes', depth => `${'- '.repeat(depth)}a`],
    ['indents', depth => Array.from({ length: depth }, (_, level) => `${' '.repeat(level)}a:\n`).join('')],
  ])('is read to a depth of 100 and not of 250: %s', (_, text) => {
    expect([readYaml(text(100))?.length, readYaml(text(250))]).toEqual([1, undefined])
  })
  test('does not reach the prototype of all objects', () => {
    const [value] = readYaml('__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}') ?? []
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
