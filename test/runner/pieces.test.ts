import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { pause, unlessAborted, whenAborted } from '../../src/runner/abort.ts'
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

describe('what waits for an abort', () => {
  test('is called at once when it has happened, and never after it is over', () => {
    const called: string[] = []
    const over = new AbortController()
    const controller = new AbortController()
    whenAborted(AbortSignal.abort(), () => called.push('at once'), over.signal)
    whenAborted(undefined, () => called.push('without a signal'), over.signal)
    whenAborted(controller.signal, () => called.push('in time'), new AbortController().signal)
    whenAborted(controller.signal, () => called.push('too late'), over.signal)
    over.abort()
    controller.abort()
    expect(called).toEqual(['at once', 'in time'])
  })
  test('is forgotten also after the garbage collector has run, with several on one signal', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc')
    const controller = new AbortController()
    const overs = Array.from({ length: 5 }, () => new AbortController())
    let calls = 0
    for (const over of overs) whenAborted(controller.signal, () => calls++, over.signal)
    await sleep(10)
    collectGarbage()
    await sleep(10)
    for (const over of overs) over.abort()
    controller.abort()
    expect(calls).toBe(0)
  })
  test('waits no longer than the signal lets it', async () => {
    const reason = new Error('stop')
    await expect(pause(10_000, AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(unlessAborted(new Promise(() => {}), AbortSignal.timeout(10))).rejects.toThrow(/timeout/)
    expect(await unlessAborted(Promise.resolve(1), AbortSignal.timeout(10))).toBe(1)
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
