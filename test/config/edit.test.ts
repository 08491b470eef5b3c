import { describe, expect, test } from 'vitest'
import { readDocument } from '../../src/config/document.ts'
import { addRegistries, type Declaration } from '../../src/config/edit.ts'

const one: Declaration = { name: 'ghcr-io', server: 'ghcr.io', username: 'me', password: 'GHCR' }
const two: Declaration = { name: 'b', server: 'a.b:5000/c', username: 'robot$x', password: 'B' }
const block = (indent: string) => `${indent}ghcr-io:
${indent}  server: ghcr.io
${indent}  username: me
${indent}  password: GHCR
`

describe('declarations are added', () => {
  test.each<[string, string, string]>([
    ['at the end of a file without any', 'project: a\n', `project: a\n\nregistries:\n${block('  ')}`],
    ['where the last line has no end', 'project: a', `project: a\n\nregistries:\n${block('  ')}`],
    [
      'after comments at the end',
      'project: a\n\n# b:\n#  c\n',
      `project: a\n\n# b:\n#  c\n\nregistries:\n${block('  ')}`,
    ],
    [
      'after a text that would take an empty line for its own',
      'a: |+\n  text\n',
      `a: |+\n  text\nregistries:\n${block('  ')}`,
    ],
    ['before the end of the document', 'project: a\n...\n', `project: a\nregistries:\n${block('  ')}...\n`],
    [
      'after the last that is there',
      'registries:\n  x: {server: y, username: z, password: P}\nz: 1\n',
      `registries:\n  x: {server: y, username: z, password: P}\n${block('  ')}z: 1\n`,
    ],
    [
      'with the indent that is used there',
      'registries:\n     x:\n        server: y   # why\n\n     # later: x\nz: 1\n',
      `registries:\n     x:\n        server: y   # why\n${block('     ')}\n     # later: x\nz: 1\n`,
    ],
    [
      'after a text of several lines',
      'registries:\n  x:\n    password: |\n      $(a\n      b)\nz: 1\n',
      `registries:\n  x:\n    password: |\n      $(a\n      b)\n${block('  ')}z: 1\n`,
    ],
    ['at the end of the file', 'registries:\n  x: {}', `registries:\n  x: {}\n${block('  ')}`],
    ['below a key with nothing', 'registries:   # none\nz: 1\n', `registries:   # none\n${block('  ')}z: 1\n`],
    ['above commented ones', 'registries:\n  # x: y\nz: 1\n', `registries:\n${block('  ')}  # x: y\nz: 1\n`],
    [
      'in a map on one line',
      'registries: {x: {server: y}}  # c\nz: 1\n',
      'registries: {x: {server: y}, "ghcr-io": {server: "ghcr.io", username: "me", password: GHCR}}  # c\nz: 1\n',
    ],
    [
      'in an empty map',
      'registries: { }\n',
      'registries: {"ghcr-io": {server: "ghcr.io", username: "me", password: GHCR} }\n'.replace('} }', '}}'),
    ],
    [
      'beside anchors and merges',
      'x-a: &a {username: z}\nregistries:\n  x: &x\n    <<: *a\n    server: y\n  w: *x\nz: 1\n',
      `x-a: &a {username: z}\nregistries:\n  x: &x\n    <<: *a\n    server: y\n  w: *x\n${block('  ')}z: 1\n`,
    ],
  ])('%s', (_, source, expected) => expect(addRegistries(source, [one])).toBe(expected))

  test('with the ends of lines that the file has', () => {
    expect(addRegistries('a: b\r\n', [one])).toBe(`a: b\r\n\r\nregistries:\r\n${block('  ').replaceAll('\n', '\r\n')}`)
  })
  test('several at once, in their order', () => {
    const { data } = readDocument('', addRegistries('registries:\n  a: {server: x}\n', [one, two]))
    expect(Object.keys((data as { registries: object }).registries)).toEqual(['a', 'ghcr-io', 'b'])
  })
  test('to a file that is one map in braces, which then is written anew', () => {
    const text = addRegistries('{project: a} # keep\n', [one])
    expect(text).toContain('# keep')
    expect(readDocument('', text).data).toMatchObject({ registries: { 'ghcr-io': { server: 'ghcr.io' } } })
  })
  test('none: not a byte is changed', () => expect(addRegistries('a: [b\n', [])).toBe('a: [b\n'))
})

describe('a user name stays what it is', () => {
  test.each([
    "it's",
    '"',
    'a: b #c',
    '~',
    'null',
    '1.10',
    '*a',
    '&a',
    '{a',
    'one\ntwo',
    'a\u2028b',
    '${x}',
    '%',
    '- a',
    '',
  ])('%j', username => {
    for (const source of ['a: b\n', 'registries: {}\n', 'registries:\n  x: {}\n']) {
      const { data } = readDocument('', addRegistries(source, [{ ...one, username }]))
      expect(data).toMatchObject({ registries: { 'ghcr-io': { username } } })
    }
  })
})

test('where there is no place, the declarations are in the hint', () => {
  expect(() => addRegistries('x: &x {a: {server: b}}\nregistries: *x\n', [one])).toThrow(
    expect.objectContaining({
      code: 'config.invalid',
      hint: expect.stringContaining('registries:\n  ghcr-io:\n    server: ghcr.io\n'),
    }),
  )
})
