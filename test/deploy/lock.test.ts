import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/deploy/event.ts'
import { withLock } from '../../src/deploy/lock.ts'
import { JijiError } from '../../src/errors.ts'
import type { Runner } from '../../src/runner/runner.ts'
import { exits } from '../../src/shell/engine.ts'
import { type Answer, fakeServers } from './fake.ts'
import { config } from './world.ts'

const report = () => {}
const servers = ['web1', 'web2', 'web3']
const owner = { by: 'me', host: 'laptop', since: 'now', command: 'deploy' }
const held: Answer = {
  code: exits.lockHeld,
  stdout: `lock ${JSON.stringify({ ...owner, by: 'ann', host: 'ci', since: 'noon' })}\n`,
}

async function locked(answers: Record<string, Answer> = {}, use: (log: string[]) => unknown = () => 'used') {
  const { log, runners } = fakeServers(servers, answers)
  const signal = new AbortController().signal
  const result = await withLock({ config, owner, report, signal }, [...runners.values()], async ({ observations }) => {
    log.push(`used with ${observations.map(({ server }) => server)}`)
    return use(log)
  }).catch((error: unknown) => error)
  return { log, result }
}

function runnerIn({ runners }: ReturnType<typeof fakeServers>): Runner {
  const [runner] = runners.values()
  if (!runner) throw new Error('there is a server')
  return runner
}

const ended = servers.map(server => `${server} lock ended`)

describe('the lock', () => {
  test('is taken on the first server alone, then on the others, and let go on all', async () => {
    const { log, result } = await locked()
    expect(result).toBe('used')
    expect(log.slice(0, 4)).toEqual(['web1 lock', 'web2 lock', 'web3 lock', 'used with web1,web2,web3'])
    expect(log.slice(4).toSorted()).toEqual(ended)
  })
  test('that is held on the first server is asked for nowhere else', async () => {
    const { log, result } = await locked({ 'web1 lock': held })
    expect(result).toMatchObject({
      code: 'lock.held',
      exitStatus: 5,
      server: 'web1',
      message: 'web1: the lock is held by ann from ci since noon (deploy)',
    })
    expect(log).toEqual(['web1 lock'])
  })
  test('that is held on another is let go where it was taken', async () => {
    const { log, result } = await locked({ 'web2 lock': held })
    expect(result).toMatchObject({ code: 'lock.held', server: 'web2' })
    expect(log.slice(0, 3)).toEqual(['web1 lock', 'web2 lock', 'web3 lock'])
    expect(log.slice(3).toSorted()).toEqual(['web1 lock ended', 'web3 lock ended'])
  })
  describe('of a connection that was lost', () => {
    const record = (id: string) =>
      `engine {"version":"1","arch":"a"}\nrelease ${JSON.stringify({ id, services: {} })}\ncurrent ${id}\nready\n`
    const again = async (answer: Answer) => {
      const before = fakeServers(['web1'], { 'web1 lock': { stdout: record('r1') } })
      const later = runnerIn(fakeServers(['web1'], { 'web1 lock': answer }))
      const signal = new AbortController().signal
      return await withLock({ config, owner, report, signal }, [runnerIn(before)], async ({ holdAgain }) => {
        await holdAgain(later)
        return 'held'
      }).catch((error: unknown) => error)
    }
    test('is taken again when the server has let it go', async () => {
      expect(await again({ stdout: record('r1') })).toBe('held')
    })
    test('is ours still, whatever we have changed there, when nobody can have had it meanwhile', async () => {
      expect(await again({ stdout: `kept\n${record('r2')}` })).toBe('held')
    })
    test('is not taken from somebody else', async () => {
      expect(await again(held)).toMatchObject({ code: 'lock.held' })
    })
    test('is worth nothing when somebody else has deployed meanwhile', async () => {
      expect(await again({ stdout: record('r2') })).toMatchObject({
        code: 'lock.lost',
        exitStatus: 5,
        message: expect.stringContaining('somebody else has deployed'),
      })
    })
  })
  describe('of somebody else', () => {
    const turn = async (answers: readonly Answer[], wait?: number) => {
      const left = [...answers]
      const told: string[] = []
      const runner = runnerIn(fakeServers(['web1'], {}))
      const inTurn: Runner = {
        ...runner,
        run: (...given) => runnerIn(fakeServers(['web1'], { lock: left.shift() ?? {} })).run(...given),
      }
      const tell = ({ detail }: Event) => void (detail === undefined || told.push(detail))
      const signal = new AbortController().signal
      const result = await withLock({ config, owner, wait, report: tell, signal }, [inTurn], async () => 'used').catch(
        (error: unknown) => error,
      )
      return { result, told, left: left.length }
    }
    test('is waited for when that is asked for, and who has it is said once', async () => {
      expect(await turn([held, held, {}], 60_000)).toEqual({
        result: 'used',
        told: ['waiting: web1: the lock is held by ann from ci since noon (deploy)'],
        left: 0,
      })
    })
    test('is waited for no longer than asked for', async () => {
      expect(await turn([held, held, held, {}], 10)).toMatchObject({ result: { code: 'lock.held' }, left: 2 })
    })
    test('is not waited for by itself', async () => {
      expect(await turn([held, {}])).toMatchObject({ result: { code: 'lock.held' }, told: [], left: 1 })
    })
    test('who is gone is taken over, which is said', async () => {
      const gone = `gone ${JSON.stringify({ ...owner, by: 'ann' })}\nengine {"version":"1","arch":"a"}\nready\n`
      expect(await turn([{ stdout: gone }])).toMatchObject({
        result: 'used',
        told: ['took over the lock of ann from laptop since now (deploy), who is gone'],
      })
    })
  })
  describe('that is lost in the middle', () => {
    const ready = 'engine {"version":"1","arch":"a"}\nready\n'
    const inTheMiddle = async (code: number, next: Answer) => {
      const first = fakeServers(['web1'], { lock: { stdout: ready } })
      const later = runnerIn(fakeServers(['web1'], { lock: next }))
      const told: string[] = []
      let end = () => {}
      let isFirst = true
      const runner = runnerIn(first)
      const losing: Runner = {
        ...runner,
        run: async (script, options) => {
          if (!isFirst) return later.run(script, options)
          isFirst = false
          const ended = new AbortController()
          end = () => ended.abort()
          const { until } = options ?? {}
          const output = await runner.run(script, {
            ...options,
            until: until ? AbortSignal.any([until, ended.signal]) : ended.signal,
          })
          return { ...output, code }
        },
      }
      const tell = ({ detail }: Event) => void (detail === undefined || told.push(detail))
      const signal = new AbortController().signal
      const result = await withLock({ config, owner, report: tell, signal }, [losing], async locked => {
        end()
        await new Promise(resolve => setTimeout(resolve, 20))
        locked.signal.throwIfAborted()
        return 'used'
      }).catch((error: unknown) => error)
      return { result, told }
    }
    test('goes on when nobody has taken it', async () => {
      expect(await inTheMiddle(exits.lockSilent, { stdout: `kept\n${ready}` })).toEqual({
        result: 'used',
        told: ['nothing from here reached the server for 30 s; nobody has taken the lock meanwhile'],
      })
    })
    test('stops when somebody has it by now', async () => {
      expect((await inTheMiddle(exits.lockSilent, held)).result).toMatchObject({
        code: 'lock.lost',
        hint: expect.stringContaining('the lock is held by ann'),
      })
    })
    test('stops when it was taken away', async () => {
      expect((await inTheMiddle(exits.lockLost, {})).result).toMatchObject({
        code: 'lock.lost',
        message: 'web1: the lock was taken away, by jiji lock release or by hand',
      })
    })
  })
  test('with a message shows it', async () => {
    const stdout = `lock ${JSON.stringify({ ...owner, message: 'database move' })}\n`
    expect((await locked({ 'web1 lock': { ...held, stdout } })).result).toMatchObject({
      message: 'web1: the lock is held by me from laptop since now (database move)',
    })
  })
  test.each(['lock {}\n', 'lock \n', '', 'lock {"by":\n'])(
    'whose owner cannot be read (%j) is held all the same',
    async stdout => {
      expect((await locked({ 'web1 lock': { ...held, stdout } })).result).toMatchObject({
        code: 'lock.held',
        message: 'web1: the lock is held by somebody',
      })
    },
  )
  test('is let go on all when what it is for fails', async () => {
    const failure = new Error('in between')
    const { log, result } = await locked({}, () => Promise.reject(failure))
    expect(result).toBe(failure)
    expect(log.slice(4).toSorted()).toEqual(ended)
  })
  test.each<[string, Answer, object]>([
    ['no engine', { code: exits.engineMissing, stdout: '' }, { code: 'engine.missing' }],
    [
      'a full disk',
      { code: 1, stdout: '', stderr: 'No space left\n' },
      { code: 'failed', message: 'web2: the lock could not be taken: No space left' },
    ],
  ])('cannot be taken with %s', async (_, answer, expected) => {
    const { log, result } = await locked({ 'web2 lock': answer })
    expect(result).toMatchObject({ server: 'web2', ...expected })
    expect(log).toContain('web1 lock ended')
  })
  test('gives what each server says, without the lock itself', async () => {
    const { runners } = fakeServers(['web1'], {
      lock: { stdout: 'engine {"version":"27","arch":"arm64"}\nlock {"by":"me"}\ncurrent r1\nready\n' },
    })
    const signal = new AbortController().signal
    const [observation] = await withLock(
      { config, owner, report, signal },
      [...runners.values()],
      async ({ observations }) => observations,
    )
    expect(observation).toMatchObject({ server: 'web1', engine: { arch: 'arm64' }, current: 'r1', lock: undefined })
  })
  test('that is waited for when we are interrupted is let go, and the reason thrown', async () => {
    const { log, runners } = fakeServers(servers, { 'web2 lock': { stdout: '', hangs: true } })
    const interrupt = new AbortController()
    const reason = new JijiError('interrupted', 'interrupted')
    const result = withLock(
      { config, owner, report, signal: interrupt.signal },
      [...runners.values()],
      async () => 'used',
    )
    setTimeout(() => interrupt.abort(reason), 20)
    await expect(result).rejects.toBe(reason)
    expect(log.slice(3).toSorted()).toEqual(ended)
  })
  test('of no server is no lock', async () => {
    const signal = new AbortController().signal
    expect(await withLock({ config, owner, report, signal }, [], async ({ observations }) => observations.length)).toBe(
      0,
    )
  })
})
