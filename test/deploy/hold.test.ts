import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { type Held, holdTunnels } from '../../src/deploy/hold.ts'
import { JijiError } from '../../src/errors.ts'
import { whenAborted } from '../../src/runner/abort.ts'
import { recorder } from '../../src/runner/recorder.ts'
import type { Connection, Output, Runner } from '../../src/runner/runner.ts'

const lost = new JijiError('server.lost', 's1 is gone', { server: 's1' })

/** A server whose sshd lets these ports be forwarded, 0 for any; its script ends when `end` is told how. */
function serverWith({ server = 's1', allowed = [0, 9270], answer = 200 } = {}) {
  let end: (how: Output | Error) => void = () => {}
  const closed: number[] = []
  const connection: Connection = {
    server,
    address: { user: 'root', host: server, port: 22, hostKey: '' },
    run: (_, { until } = {}) =>
      new Promise((resolve, reject) => {
        end = how => (how instanceof Error ? reject(how) : resolve(how))
        whenAborted(until, () => end({ code: 143, stdout: '', stderr: '' }), new AbortController().signal)
      }),
    forward: async (port, target) => {
      expect(target.attend).toBeTypeOf('function')
      if (!allowed.includes(port)) throw new JijiError('tunnel.failed', 'refused')
      return { port: port || 40_000, close: async () => void closed.push(port || 40_000) }
    },
    dial: async () => Object.assign(Readable.from([`HTTP/1.1 ${answer} Any\r\n`]), { write: () => true }) as never,
    read: () => {
      throw new Error('nothing is read')
    },
    close: async () => {},
  }
  return { connection, closed, end: (how: Output | Error) => end(how) }
}

async function holding(runners: readonly Runner[]) {
  const told: Held[] = []
  const interrupt = new AbortController()
  const held = holdTunnels(runners, 9270, one => told.push(one), interrupt.signal)
  await new Promise(resolve => setTimeout(resolve, 20))
  return { told, held, interrupt }
}

describe('a tunnel that is held open', () => {
  test('is open until it is interrupted, and then closed', async () => {
    const { connection, closed } = serverWith()
    const { told, held, interrupt } = await holding([connection])
    expect(told).toEqual([{ server: 's1', state: 'open', address: '127.0.0.1:9270' }])
    expect(closed).toEqual([])
    interrupt.abort(new JijiError('interrupted', 'interrupted'))
    expect(await held).toEqual([])
    expect(closed).toEqual([9270])
    expect(told).toHaveLength(1)
  })
  test('has another port where the usual one is taken', async () => {
    const { told, interrupt } = await holding([serverWith({ allowed: [0] }).connection])
    interrupt.abort()
    const why = expect.objectContaining({ cause: 'port 9270 there leads to another registry' })
    expect(told).toEqual([{ server: 's1', state: 'open', address: '127.0.0.1:40000', why }])
  })
  test('is not needed where the registry is', async () => {
    const { told, held } = await holding([recorder('here')])
    expect(await held).toEqual([])
    expect(told).toEqual([{ server: 'here', state: 'open', address: '127.0.0.1:9270' }])
  })
  test('is none where sshd forbids it, or something else answers', async () => {
    const refused = serverWith({ allowed: [] })
    const other = serverWith({ server: 's2', answer: 404 })
    const { told, held } = await holding([refused.connection, other.connection])
    expect((await held).map(({ code, server }) => `${code} ${server}`)).toEqual([
      'server.refused s1',
      'tunnel.failed s2',
    ])
    expect(told.map(({ server, state }) => `${server} ${state}`).toSorted()).toEqual(['s1 failed', 's2 failed'])
    expect(other.closed).toEqual([9270])
  })
  test('that is lost is told at once, and ends it when it was the last', async () => {
    const [first, second] = [serverWith(), serverWith({ server: 's2' })]
    const { told, held } = await holding([first.connection, second.connection])
    first.end(lost)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(told.at(-1)).toEqual({ server: 's1', state: 'lost', error: lost })
    expect(await Promise.race([held, 'held'])).toBe('held')
    second.end({ code: 137, stdout: '', stderr: '' })
    expect((await held).map(({ message }) => message)).toEqual([
      's1 is gone',
      's2: what held the tunnel open was ended there, with status 137',
    ])
  })
  test('does not hide a fault of ours', async () => {
    const { connection, end } = serverWith()
    const { held } = await holding([connection])
    end(new TypeError('ours'))
    await expect(held).rejects.toThrow(TypeError)
  })
})
