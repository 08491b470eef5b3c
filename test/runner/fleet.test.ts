import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { JijiError } from '../../src/errors.ts'
import type { ConnectOptions } from '../../src/runner/connect-options.ts'
import { connectFleet, type Place, withFleet } from '../../src/runner/fleet.ts'
import { recorder } from '../../src/runner/recorder.ts'
import type { Runner } from '../../src/runner/runner.ts'
import { sh } from '../../src/shell/script.ts'

const places = (...names: string[]): Place[] => names.map(server => ({ kind: 'local', server }))

/** Runners of which it is known which are still open. */
function counted() {
  const open = new Set<string>()
  const connect = async ({ server }: Place): Promise<Runner> => {
    await sleep(server.length * 3)
    if (server.startsWith('down')) throw new JijiError('server.unreachable', `cannot reach ${server}`, { server })
    if (server.startsWith('fault')) throw new TypeError('ours')
    open.add(server)
    return { ...recorder(server), close: async () => void open.delete(server) }
  }
  return { open, connect }
}

describe('a fleet', () => {
  test('has a runner for each server, in their order', async () => {
    const { runners, failures } = await connectFleet(places('web-long', 'db'), counted())
    expect([...runners.keys()]).toEqual(['web-long', 'db'])
    expect(failures).toEqual([])
  })
  test('has failures as values', async () => {
    const { runners, failures } = await connectFleet(places('web1', 'down1', 'web2', 'down2'), counted())
    expect([...runners.keys()]).toEqual(['web1', 'web2'])
    expect(failures.map(({ code, server }) => [code, server])).toEqual([
      ['server.unreachable', 'down1'],
      ['server.unreachable', 'down2'],
    ])
  })
  test('tells of a failure at once while others are on the way, and not of the last', async () => {
    const told: string[] = []
    const { connect } = counted()
    const onFailure = ({ server }: JijiError) => told.push(`${server}`)
    const connecting = connectFleet(places('down1', 'a-name-that-takes-longer'), { connect, onFailure })
    await sleep(30)
    expect(told).toEqual(['down1'])
    await connecting
    await connectFleet(places('web', 'down-in-the-end'), { connect, onFailure })
    expect(told).toEqual(['down1'])
  })
  test.each([
    [3, 3, /^web1 \(web1:22\) was not known; its host key is now in \/known: SHA256:1$/],
    [100, 1, /^100 servers were not known; their host keys are now in \/known, and .*: web1, web2, .*, web100$/],
  ])('that meets %i servers it does not know says so in %i lines', async (count, lines, first) => {
    const told: string[] = []
    const connect = async ({ server }: Place, { met }: ConnectOptions) => {
      met?.({ server, label: `${server} (${server}:22)`, file: '/known', key: `SHA256:${server.slice(3)}` })
      return recorder(server)
    }
    const names = Array.from({ length: count }, (_, index) => `web${index + 1}`)
    await connectFleet(places(...names), { connect, warn: text => told.push(text) })
    expect(told).toEqual([expect.stringMatching(first), ...Array(lines - 1).fill(expect.stringContaining('not known'))])
  })
  test('does not hide our own faults, and leaves nothing open', async () => {
    const { open, connect } = counted()
    await expect(connectFleet(places('web1', 'fault', 'web2'), { connect })).rejects.toThrow(TypeError)
    expect(open.size).toBe(0)
  })
  test('that is interrupted throws the reason, and leaves nothing open', async () => {
    const { open, connect } = counted()
    const controller = new AbortController()
    const reason = new JijiError('interrupted', 'ctrl-c')
    const late = async (place: Place) => {
      if (place.server !== 'web2') return connect(place)
      await sleep(30)
      throw controller.signal.reason
    }
    const fleet = connectFleet(places('web1', 'web2'), { connect: late, signal: controller.signal })
    controller.abort(reason)
    await expect(fleet).rejects.toBe(reason)
    expect(open.size).toBe(0)
  })
  test('connects to so many at a time', async () => {
    let now = 0
    let most = 0
    const connect = async ({ server }: Place) => {
      most = Math.max(most, ++now)
      await sleep(5)
      now -= 1
      return recorder(server)
    }
    await connectFleet(places(...Array.from({ length: 20 }, (_, index) => `web${index}`)), { connect, limit: 7 })
    expect(most).toBe(7)
  })
  test('is closed after use, whatever happened', async () => {
    const { open, connect } = counted()
    const result = withFleet(places('web1', 'down'), { connect }, async ({ runners }) => {
      expect([...open]).toEqual(['web1'])
      return runners.size
    })
    expect(await result).toBe(1)
    expect(open.size).toBe(0)
    const failing = withFleet(places('web1'), { connect }, async () => {
      throw new Error('in between')
    })
    await expect(failing).rejects.toThrow('in between')
    expect(open.size).toBe(0)
  })
  test('runs on this machine where a place is local', async () => {
    const output = await withFleet(places('here'), {}, async ({ runners }) => runners.get('here')?.run(sh`echo hi`))
    expect(output?.stdout).toBe('hi\n')
  })
})
