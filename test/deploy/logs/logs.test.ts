import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { connectionsTo } from '../../../src/deploy/logs/connections.ts'
import { parseEntry } from '../../../src/deploy/logs/entry.ts'
import { mergeByTime, window } from '../../../src/deploy/logs/merge.ts'
import { alreadyRead, type Position, positionAfter, rangeAfter } from '../../../src/deploy/logs/position.ts'
import { queue } from '../../../src/deploy/logs/queue.ts'
import { type Reading, readLog } from '../../../src/deploy/logs/read.ts'
import { JijiError } from '../../../src/errors.ts'
import type { Runner } from '../../../src/runner/runner.ts'

const at = (second: number) => `2026-01-01T00:00:0${second}.000000000Z`
const entry = (second: number, text = '') => ({ at: at(second), text })

describe('a line of a log', () => {
  const stamp = '2026-11-21T16:49:55.965824473Z'
  test.each<[string, string | undefined, string]>([
    [`${stamp} one  two `, stamp, 'one  two '],
    [`${stamp} `, stamp, ''],
    [stamp, stamp, ''],
    [`${stamp} windows\r`, stamp, 'windows'],
    ['2026-11-21T17:49:55.5+01:00 podman', '2026-11-21T16:49:55.500000000Z', 'podman'],
    ['2026-11-21T00:30:00-01:00 next', '2026-11-21T01:30:00.000000000Z', 'next'],
    [`${stamp} ${stamp} its own`, stamp, `${stamp} its own`],
    [`${stamp} ${'x'.repeat(16_384)}${stamp} yz`, stamp, `${'x'.repeat(16_384)}yz`],
    ['Error: no such container', undefined, ''],
    [`${stamp}x`, undefined, ''],
  ])('%.60s', (line, time, text) => {
    expect(parseEntry(line)).toEqual(time === undefined ? undefined : { at: time, text })
  })
})

describe('a position', () => {
  test('knows what has been read, also of several lines of one time', () => {
    let position: Position | undefined
    for (const one of [entry(1), entry(2), entry(2)]) position = positionAfter(one, position)
    expect(position).toEqual({ at: at(2), count: 2 })
    const isOld = alreadyRead(position)
    expect([entry(1), entry(2), entry(2), entry(2), entry(3)].map(isOld)).toEqual([true, true, true, false, false])
    expect(rangeAfter({ at: at(2), count: 2 })).toEqual({ since: '2026-01-01T00:00:01.000Z' })
  })
  test('that there is none of has nothing behind it', () => expect(alreadyRead(undefined)(entry(1))).toBe(false))
})

describe('logs', () => {
  const all = async <T>(lines: AsyncIterable<T>): Promise<T[]> => {
    const found: T[] = []
    for await (const one of lines) found.push(one)
    return found
  }
  async function* log(...entries: { at: string; text: string }[]) {
    for (const one of entries) {
      await sleep(0)
      yield one
    }
  }
  test('are merged by time, each in its own order', async () => {
    const merged = await all(
      mergeByTime([log(entry(1, 'a'), entry(4, 'a'), entry(3, 'late')), log(entry(1, 'b'), entry(2, 'b')), log()]),
    )
    expect(merged.map(({ text }) => text)).toEqual(['a', 'b', 'b', 'a', 'late'])
  })
  test('wait until there is room for more of them', async () => {
    const lines = queue<number>(3)
    let written = 0
    const writing = (async () => {
      for (; written < 1000; written++) await lines.put(written)
      lines.end()
    })()
    await sleep(5)
    expect(written).toBeLessThan(4)
    expect(await all(lines)).toEqual(Array.from({ length: 1000 }, (_, index) => index))
    await writing
  })
  test('that come within a moment are put in order', async () => {
    const shown: string[] = []
    const soon = window<{ at: string; text: string }>(10, ({ text }) => shown.push(text))
    for (const one of [entry(2, 'b'), entry(1, 'a'), entry(2, 'c')]) soon.add(one)
    expect(shown).toEqual([])
    await expect.poll(() => shown).toEqual(['a', 'b', 'c'])
    soon.add(entry(1, 'd'))
    soon.flush()
    expect(shown).toEqual(['a', 'b', 'c', 'd'])
  })
})

describe('a log whose connection is lost', () => {
  const lost = new JijiError('server.lost', 'lost', { server: 'web1' })
  const source = { server: 'web1', engine: 'docker', service: 'web', title: 'web', container: 'app-web-1' } as const
  /** Says so much, and is lost; the script says from when on. */
  const runner = (says: string, after: () => void = () => {}): Runner => ({
    server: 'web1',
    async run(script, { onChunk } = {}) {
      asked.push(/--since (\S+)/.exec(String(script))?.[1])
      for (const chunk of says.match(/[\s\S]{1,7}/g) ?? []) await onChunk?.(Buffer.from(chunk), 'stdout')
      after()
      return { code: 0, stdout: '', stderr: '' }
    },
    close: async () => void closed.push(says.length),
  })
  const asked: (string | undefined)[] = []
  const closed: number[] = []
  const fails = () => {
    throw lost
  }
  test('is read on over a new one, and nothing comes twice or not at all', async () => {
    const first = runner(`${at(1)} a\n${at(2)} b\n${at(2)} c`, fails) // the last line is not whole
    const second = runner(`${at(1)} a\n${at(2)} b\n${at(2)} c\n${at(3)} d`)
    const connections = connectionsTo(first, async reason => {
      expect(reason).toBe(lost)
      return second
    })
    const taken: string[] = []
    const reading: Reading = { source, range: { lines: 5 } }
    const take = ({ text }: { text: string }) => {
      taken.push(text)
      return undefined
    }
    await readLog(connections, reading, take, { follow: true, signal: new AbortController().signal })
    expect(taken).toEqual(['a', 'b', 'c', 'd'])
    expect(asked).toEqual([undefined, '2026-01-01T00:00:01.000Z'])
    await connections.close()
    expect(closed).toHaveLength(1)
  })
  test('has one connection for many, and another where a connection is full', async () => {
    let opened = 0
    const connections = connectionsTo(runner(''), async () => {
      opened += 1
      return runner('')
    })
    let finish: () => void = () => {}
    const finished = new Promise<void>(resolve => {
      finish = resolve
    })
    const users = Array.from({ length: 14 }, () => connections.use(() => finished))
    await sleep(1)
    expect(opened).toBe(2)
    finish()
    await Promise.all(users)
  })
  test('an engine that refuses is an error with its words', async () => {
    const refusing: Runner = {
      server: 'web1',
      run: async (_, { onChunk } = {}) => {
        onChunk?.(Buffer.from('Error: no such log driver\n'), 'stdout')
        return { code: 1, stdout: '', stderr: '' }
      },
      close: async () => {},
    }
    const reading: Reading = { source, range: {} }
    const signal = new AbortController().signal
    const read = readLog(
      connectionsTo(refusing, () => Promise.reject(lost)),
      reading,
      () => undefined,
      { follow: false, signal },
    )
    await expect(read).rejects.toThrow('web1: the log of app-web-1 cannot be read: Error: no such log driver')
  })
})
