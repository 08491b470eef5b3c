import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { createMask } from '../../src/ui/mask.ts'
import { maskedBytes } from '../../src/ui/masked-bytes.ts'
import { random } from '../shell/random.ts'

const secrets = [
  new Secret('TOKEN', 'hunter2hunter2'),
  new Secret('A', 'abcd1234'),
  new Secret('B', '1234efgh'),
  new Secret('MANY', 'zzzz'),
  new Secret('UMLAUTS', 'pässwörd'),
]
const mask = createMask(secrets)

describe('bytes go on without the secrets in them', () => {
  test('line by line, and the rest at the end', () => {
    const { writer, written } = collecting()
    writer.write(Buffer.from('one\ntw'))
    expect(written()).toBe('one\n')
    writer.write(Buffer.from('o hunter2'))
    writer.write(Buffer.from('hunter2'))
    expect(written()).toBe('one\n')
    writer.end()
    expect(written()).toBe('one\ntwo [TOKEN]')
  })
  test.each([
    ['plain', 'pässwörd'],
    ['as base64', Buffer.from('pässwörd').toString('base64')],
    ['in a URL', encodeURIComponent('pässwörd')],
    ['in JSON', JSON.stringify('pässwörd')],
  ])('also when those are not of ASCII alone: %s', (_, text) => {
    const { writer, written } = collecting()
    writer.write(Buffer.from(`<${text}> é \xff\n`))
    expect(written()).toMatch(/^<"?\[UMLAUTS\].*> é ÿ\n$/)
    expect(written()).not.toContain(text)
  })
  test('of a line that does not end, all but what may be the beginning of a secret', () => {
    const { writer, written } = collecting()
    for (let count = 0; count < 100; count++) writer.write(Buffer.alloc(10_000, 'x'))
    expect(written().length).toBeGreaterThan(900_000)
    writer.end()
    expect(written()).toBe('x'.repeat(1_000_000))
  })
  test('wherever a line without an end is cut', () => {
    const { next, pick } = random(5)
    const size = () => 1 + Math.floor(next() * 40_000)
    const parts = [
      'hunter2hunter2',
      'hunter2',
      'abcd1234efgh',
      'abcd',
      'zzzzzzzzzz',
      '....',
      '\u00ff',
      'x'.repeat(1000),
    ]
    for (let round = 0; round < 20; round++) {
      const text = Array.from({ length: 1500 }, () => pick(parts)).join('')
      const bytes = Buffer.from(text)
      const { writer, written } = collecting()
      for (let at = 0; at < bytes.length; ) {
        const chunk = bytes.subarray(at, at + size())
        writer.write(chunk)
        at += chunk.length
      }
      writer.end()
      expect(written() === mask(text), `round ${round}`).toBe(true)
    }
  })
})

function collecting() {
  const chunks: Buffer[] = []
  const writer = maskedBytes(bytes => void chunks.push(bytes), secrets)
  return { writer, written: () => Buffer.concat(chunks).toString() }
}
