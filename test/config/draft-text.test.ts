import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readDocument } from '../../src/config/document.ts'
import { draftText } from '../../src/config/draft-text.ts'
import { random } from '../shell/random.ts'

test('what is short stands in one line, the rest in blocks, with what is said about it', () => {
  const draft = {
    project: 'shop',
    servers: { web1: { host: 'a.b', port: '22' } },
    list: ['a', 'b'.repeat(80)],
    deep: { map: { of: { maps: 'x' } } },
  }
  const text = draftText(draft, [
    { path: ['servers', 'web1'], after: 'a server' },
    { path: ['deep', 'map'], before: 'two\nlines' },
    { path: ['not', 'there'], after: 'nothing' },
  ])
  expect(text).toBe(`project: shop

servers:
  web1: {host: a.b, port: 22} # a server

list:
  - a
  - ${'b'.repeat(80)}

deep:
  # two
  # lines
  map:
    of: {maps: x}
`)
})

test.each([
  '',
  ' ',
  'null',
  '~',
  'true',
  'no',
  '1.10',
  '0x10',
  '80:3000',
  '- a',
  'a: b',
  'a #b',
  '#',
  '"',
  "'",
  '$(rm)',
  '`id`',
  '{{',
  '[',
  '*a',
  '&a',
  '!a',
  '%a',
  '@a',
  'a\nb',
  '\n',
  'a\n',
  ' a',
  'a ',
  '\ta',
  '\u0001',
  '\u0085',
  '\u2028',
  '\ufeff',
  '🎉',
  '<<',
  '---',
  '...',
  '? a',
  'a\r\nb',
])('%j is read as what it was, by us and by others', text => {
  const draft = { a: { key: text, list: [text, 'x'] }, b: { c: { d: { e: text } } } }
  const written = draftText(draft)
  expect(readDocument('', written).data).toEqual(draft)
  expect(parse(written, { schema: 'failsafe' })).toEqual(draft)
  // With YAML's own types, as editors read it, it may be a number, and is never nothing.
  expect((parse(written) as typeof draft).a.key).not.toBe(null)
})

test('whatever is in it, keys too', () => {
  const { text, next } = random(7)
  for (let round = 0; round < 300; round++) {
    const draft = {
      project: text(8),
      map: { [`k${text(6)}`]: text(30), list: [text(12), text(3)] },
      more: { deep: { [`x${text(4)}`]: text(5) } },
    }
    const comment = next() < 0.5 ? [{ path: ['map', 'list'], after: 'why' }] : []
    expect(readDocument('', draftText(draft, comment)).data).toEqual(draft)
  }
})
