import { describe, expect, test } from 'vitest'
import { followAnswers } from '../../../src/registry/local/answers.ts'

const ok = (length: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`

/** Whether anything is owed after each piece of what is heard. */
function owed(methods: string[], pieces: string[]): boolean[] {
  const answers = followAnswers()
  for (const method of methods) answers.asked(method)
  return pieces.map(piece => {
    answers.heard(Buffer.from(piece))
    return answers.areOwed()
  })
}

describe('answers that a connection waits for', () => {
  test('are none before it asks', () => expect(owed([], [''])).toEqual([false]))
  test.each<[string, string[], string[], boolean[]]>([
    [
      'one in pieces',
      ['GET'],
      ['', 'HTTP/1.1 200 OK\r\nCont', 'ent-length: 3\r\n\r', '\nab', 'c'],
      [true, true, true, true, false],
    ],
    ['one without a body', ['GET'], [ok(0)], [false]],
    [
      'one to HEAD, which only says how long it would be',
      ['HEAD'],
      ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
      [false],
    ],
    ['not modified', ['GET'], ['HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n'], [false]],
    ['two at once', ['GET', 'GET'], [ok(5), `${ok(2)}`], [true, false]],
    ['two in one piece', ['HEAD', 'GET'], [`HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n${ok(4)}`], [false]],
    [
      'one and a half',
      ['GET', 'GET'],
      [`${ok(4)}HTTP/1.1 2`, '00 OK\r\nContent-Length: 1\r\n\r\n', 'x'],
      [true, true, false],
    ],
  ])('are followed: %s', (_, methods, pieces, expected) => expect(owed(methods, pieces)).toEqual(expected))
  test('are left alone from one on that does not say how long it is', () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n'
    expect(owed(['GET', 'GET'], [chunked, 'anything'])).toEqual([false, false])
  })
  test('are found however the bytes are cut', () => {
    const all = `${ok(3)}${ok(0)}${ok(20)}`
    for (let size = 1; size < all.length; size++) {
      const pieces = all.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      const seen = owed(['GET', 'GET', 'GET'], pieces)
      expect([size, seen.at(-1), seen.slice(0, -1).every(Boolean)]).toEqual([size, false, true])
    }
  })
})
