import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { collect } from '../../src/runner/collect.ts'
import { firstLine, greetingOf } from '../../src/runner/greeting.ts'
import { slots } from '../../src/runner/slots.ts'

describe('what the first bytes say', () => {
  test.each([
    ['', 'nothing'],
    ['SSH-2.0-OpenSSH_9.2\r\n', 'ssh'],
    ['welcome\r\nSSH-2.0-x\r\n', 'ssh'],
    ['Exceeded MaxStartups\r\n', 'busy'],
    ['Not allowed at this time\r\n', 'busy'],
    ['HTTP/1.1 400 Bad Request\r\n', 'other'],
    ['not SSH-2.0', 'other'],
    ['\x15\x03\x01', 'other'],
  ])('%j: %s', (text, greeting) => expect(greetingOf(text)).toBe(greeting))

  test('a line for a message', () => {
    expect(firstLine('\r\n220 mail ESMTP\r\nmore')).toBe('220 mail ESMTP')
    expect(firstLine('\x15\x03é')).toBe('...')
    expect(firstLine('x'.repeat(100)).length).toBe(60)
  })
})

describe('reading lines', () => {
  test('characters may be cut anywhere', async () => {
    const text = 'zwölf Boxkämpfer\n\n€ 😀\r\nlast'
    const stream = new PassThrough()
    const lines: string[] = []
    const read = collect(stream, line => lines.push(line))
    for (const byte of Buffer.from(text)) stream.write(Buffer.from([byte]))
    stream.end()
    await sleep(10)
    expect(read()).toBe(text)
    expect(lines).toEqual(['zwölf Boxkämpfer', '', '€ 😀\r', 'last'])
  })
  test('a last newline is no line', async () => {
    const stream = new PassThrough()
    const lines: string[] = []
    collect(stream, line => lines.push(line))
    stream.end('one\n')
    await sleep(10)
    expect(lines).toEqual(['one'])
  })
})

describe('slots', () => {
  test('so many at a time, first come first served, also when some fail', async () => {
    const { use } = slots(2)
    const began: number[] = []
    let now = 0
    let most = 0
    const results = await Promise.allSettled(
      Array.from({ length: 7 }, (_, index) =>
        use(async () => {
          began.push(index)
          most = Math.max(most, ++now)
          await sleep(5)
          now -= 1
          if (index % 2) throw new Error('odd')
          return index
        }),
      ),
    )
    expect(began).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(most).toBe(2)
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(4)
  })
})
