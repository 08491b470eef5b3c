import { describe, expect, test } from 'vitest'
import { withLock } from '../../src/deploy/lock.ts'
import { JijiError } from '../../src/errors.ts'
import { exits } from '../../src/shell/engine.ts'
import { type Answer, fakeServers } from './fake.ts'
import { config } from './world.ts'

const servers = ['web1', 'web2', 'web3']
const owner = { by: 'me', host: 'laptop', since: 'now', command: 'deploy' }
const held: Answer = {
  code: exits.lockHeld,
  stdout: `lock ${JSON.stringify({ ...owner, by: 'ann', host: 'ci', since: 'noon' })}\n`,
}

async function locked(answers: Record<string, Answer> = {}, use: (log: string[]) => unknown = () => 'used') {
  const { log, runners } = fakeServers(servers, answers)
  const signal = new AbortController().signal
  const result = await withLock(config, [...runners.values()], owner, signal, async observations => {
    log.push(`used with ${observations.map(({ server }) => server)}`)
    return use(log)
  }).catch((error: unknown) => error)
  return { log, result }
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
    const again = async (...answers: Answer[]) => {
      const { runners } = fakeServers(['web1'], { 'web1 lock': { stdout: record('r1') } })
      const later = fakeServers(['web1'], {})
      const next = later.runners.get('web1')
      if (!next) throw new Error('there is web1')
      const asked: string[] = []
      const run: typeof next.run = (_, options) => {
        asked.push('asked')
        const { code = 0, stdout = '', stderr = '' } = answers.length > 1 ? (answers.shift() ?? {}) : (answers[0] ?? {})
        for (const line of stdout.split('\n')) options?.onLine?.(line, 'stdout')
        return code === 0
          ? new Promise(resolve => options?.until?.addEventListener('abort', () => resolve({ code, stdout, stderr })))
          : Promise.resolve({ code, stdout, stderr })
      }
      const signal = new AbortController().signal
      const result = await withLock(config, [...runners.values()], owner, signal, async (_, holdAgain) => {
        await holdAgain({ ...next, run })
        return 'held'
      }).catch((error: unknown) => error)
      return { result, asked: asked.length }
    }
    test('is taken again when the server has let it go', async () => {
      expect(await again(held, { stdout: record('r1') })).toEqual({ result: 'held', asked: 2 })
    })
    test('is worth nothing when somebody else has deployed meanwhile', async () => {
      const { result } = await again({ stdout: record('r2') })
      expect(result).toMatchObject({
        code: 'lock.held',
        message: expect.stringContaining('somebody else has deployed'),
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
    const [observation] = await withLock(config, [...runners.values()], owner, signal, async all => all)
    expect(observation).toMatchObject({ server: 'web1', engine: { arch: 'arm64' }, current: 'r1', lock: undefined })
  })
  test('that is waited for when we are interrupted is let go, and the reason thrown', async () => {
    const { log, runners } = fakeServers(servers, { 'web2 lock': { stdout: '', hangs: true } })
    const interrupt = new AbortController()
    const reason = new JijiError('interrupted', 'interrupted')
    const result = withLock(config, [...runners.values()], owner, interrupt.signal, async () => 'used')
    setTimeout(() => interrupt.abort(reason), 20)
    await expect(result).rejects.toBe(reason)
    expect(log.slice(3).toSorted()).toEqual(ended)
  })
  test('of no server is no lock', async () => {
    const signal = new AbortController().signal
    expect(await withLock(config, [], owner, signal, async all => all.length)).toBe(0)
  })
})
