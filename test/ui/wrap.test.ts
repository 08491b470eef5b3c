import { describe, expect, test } from 'vitest'
import { firstLines } from '../../src/ui/first-lines.ts'
import { wrap, wrapBehind } from '../../src/ui/wrap.ts'

describe('lines', () => {
  const plan = `deploy shop v3
  s1 (docker)
    web: v1 -> localhost:9270/shop-web:v3
    remove shop-web-20261122-031217, shop-worker-20261122-031217`
  test('stay as they are without a width, and where they fit', () => {
    expect(wrap(plan, undefined)).toBe(plan)
    expect(wrap(plan, 80)).toBe(plan)
    expect(wrap(plan, 200)).toBe(plan)
  })
  test('go on further in, between words', () => {
    expect(wrap(plan, 40)).toBe(`deploy shop v3
  s1 (docker)
    web: v1 ->
      localhost:9270/shop-web:v3
    remove shop-web-20261122-031217,
      shop-worker-20261122-031217`)
  })
  test.each<[string, string]>([
    ['error: no such thing as that here', 'error: no such thing\n       as that here'],
    ['\u001b[31merror:\u001b[39m no such thing as that', '\u001b[31merror:\u001b[39m no such thing\n       as that'],
    ['web    building what is to run', 'web    building what\n       is to run'],
    ['  a hint that goes on and on', '  a hint that goes on\n    and on'],
    ['a longer label than can be  kept apart', 'a longer label than\n  can be  kept apart'],
    ['see http://example.com/a-long-address now', 'see\nhttp://example.com/a-long-address\n  now'],
    ['web    /var/lib/a-longer/path', 'web\n/var/lib/a-longer/path'],
    ['日本語 日本語 日本語 日本語', '日本語 日本語 日本語\n  日本語'],
  ])('of %j', (text, lines) => expect(wrap(text, 22)).toBe(lines))
  test('of others keep the mark that says so', () => {
    expect(wrapBehind('  | ', 'one two three\nfour', 12)).toBe('  | one two\n  |   three\n  | four')
    expect(wrapBehind('  | ', 'one two three')).toBe('  | one two three')
  })
  test.each([0, 1, 2, 3])('can be shown even where there is no room: %i', width => {
    expect(wrap('error: one two', width).replace(/\s+/g, ' ')).toBe('error: one two')
    expect(firstLines('one\ntwo', { columns: width, rows: width }).length).toBeLessThanOrEqual(Math.max(1, width))
  })
})
