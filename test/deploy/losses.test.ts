import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/deploy/event.ts'
import { overLosses } from '../../src/deploy/losses.ts'
import { JijiError } from '../../src/errors.ts'
import { recorder } from '../../src/runner/recorder.ts'
import type { Runner } from '../../src/runner/runner.ts'

const lost = () => new JijiError('server.lost', 'the connection to web1 was lost', { server: 'web1' })

/** Work that loses its connection some times before it is done, and what is said and connected meanwhile. */
async function work(failures: unknown[], { canReconnect = true, isOver = false } = {}) {
  const runners = new Map<string, Runner>([['web1', recorder('web1')]])
  const events: string[] = []
  const used = new Set<Runner>()
  const interrupt = new AbortController()
  if (isOver) interrupt.abort()
  const context = {
    runners,
    report: ({ step, state }: Event) => void events.push(`${step} ${state}`),
    signal: interrupt.signal,
    ...(canReconnect ? { reconnect: async () => void runners.set('web1', recorder('web1')) } : {}),
  }
  const result = await overLosses(context, 'web1', async runner => {
    used.add(runner)
    if (failures.length > 0) throw failures.shift()
    return 'done'
  }).catch((error: unknown) => error)
  return { result, events, connections: used.size }
}

describe('work whose connection is lost', () => {
  test('is begun again over a new one', async () => {
    expect(await work([lost(), lost()])).toEqual({
      result: 'done',
      events: ['connect lost', 'connect done', 'connect lost', 'connect done'],
      connections: 3,
    })
  })
  test('is given up at the fourth time', async () => {
    const { result, connections } = await work([lost(), lost(), lost(), lost()])
    expect(result).toMatchObject({
      code: 'server.lost',
      server: 'web1',
      message: 'the connection to web1 was lost, for the 4th time',
    })
    expect(connections).toBe(4)
  })
  test.each<[string, unknown, object]>([
    ['another failure', new JijiError('pull.failed', 'denied'), {}],
    ['a fault of ours', new TypeError('ours'), {}],
    ['an interrupt', lost(), { isOver: true }],
    ['no way to connect', lost(), { canReconnect: false }],
  ])('is given up at once after %s', async (_, failure, how) => {
    expect(await work([failure], how)).toEqual({ result: failure, events: [], connections: 1 })
  })
})
