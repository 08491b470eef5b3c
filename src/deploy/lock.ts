import { setMaxListeners } from 'node:events'
import { JijiError } from '../errors.ts'
import { pause } from '../runner/abort.ts'
import type { Runner } from '../runner/runner.ts'
import { heartbeat } from '../shell/lock.ts'
import { settled } from './failure.ts'
import { type Held, type HoldContext, holdOn } from './hold-lock.ts'
import type { Observation } from './observe.ts'

export type LockContext = HoldContext & {
  /** Milliseconds to wait for somebody who holds the lock; none when it is not to be waited for. */
  wait?: number | undefined
}

export type Locked = {
  /** What each server said about itself under the lock. */
  observations: Observation[]
  /** Takes the lock once more, over a connection that stands for one that is lost. */
  holdAgain: (runner: Runner) => Promise<void>
  /** Aborted by Ctrl-C, and when the lock is lost. */
  signal: AbortSignal
}

/**
 * Holds the project's lock on every server while `fn` runs. The first server's lock is taken alone, so that of two
 * deploys at once one goes on and does not merely stop the other.
 * @throws JijiError lock.held, lock.lost
 */
export async function withLock<T>(
  context: LockContext,
  runners: readonly Runner[],
  fn: (locked: Locked) => Promise<T>,
): Promise<T> {
  const held = await takeTurn(context, runners)
  const observations = held.map(({ observation }) => observation)
  const lost = new AbortController()

  const holdAgain = async (runner: Runner) => {
    const again = await holdOn(context, runner)
    held.push(again)
    const before = observations.find(({ server }) => server === runner.server)
    if (!again.isKept && !(before && releaseOf(before) === releaseOf(again.observation)))
      throw changedMeanwhile(runner.server)
    void watch(again)
  }
  const watch = async ({ end, runner }: Held) => {
    const how = await end
    if (how === 'taken') lost.abort(takenAway(runner.server))
    if (how !== 'silent') return
    await holdAgain(runner).then(
      () => context.report({ step: 'lock', state: 'lost', server: runner.server, detail: keptThrough }),
      cause => lost.abort(lostInSilence(runner.server, cause)),
    )
  }
  for (const one of held) void watch(one)
  const signal = AbortSignal.any([context.signal, lost.signal])
  setMaxListeners(0, signal) // one for each thing that waits, and many wait at once
  try {
    return await fn({ observations, holdAgain, signal })
  } finally {
    await Promise.allSettled(held.map(one => one.release()))
  }
}

/** Between two tries nothing is held, so that of those who wait nobody waits for another. */
async function takeTurn(context: LockContext, runners: readonly Runner[]): Promise<Held[]> {
  const { wait = 0, report, signal } = context
  const deadline = Date.now() + wait
  for (let told = ''; ; ) {
    try {
      return await holdAll(context, runners)
    } catch (error) {
      if (!(error instanceof JijiError) || error.code !== 'lock.held' || Date.now() >= deadline) throw error
      if (error.message !== told) report({ step: 'lock', state: 'note', detail: `waiting: ${error.message}` })
      told = error.message
      await pause(Math.min(2000, deadline - Date.now()), signal)
    }
  }
}

async function holdAll(context: LockContext, runners: readonly Runner[]): Promise<Held[]> {
  const held: Held[] = []
  const hold = async (runner: Runner) => {
    const event = { step: 'lock', server: runner.server } as const
    context.report({ ...event, state: 'begun' })
    const one = await holdOn(context, runner)
    context.report({ ...event, state: 'done' })
    held.push(one)
    return one
  }
  const [first, ...others] = runners
  try {
    return first ? [await hold(first), ...(await settled(others.map(hold)))] : []
  } catch (error) {
    await Promise.allSettled(held.map(one => one.release()))
    throw error
  }
}

/** What somebody else's release would have changed while nobody held the lock. */
function releaseOf({ current, releases, markers }: Observation): string {
  return JSON.stringify([current, releases.map(({ id }) => id), [...markers].toSorted()])
}

const silence = `${heartbeat.seconds * heartbeat.misses} s`
const keptThrough = `nothing from here reached the server for ${silence}; nobody has taken the lock meanwhile`
const thenAgain = 'see what runs there (jiji status), then deploy again'

function changedMeanwhile(server: string): JijiError {
  return new JijiError('lock.lost', `${server}: while the connection was lost, somebody else has deployed there`, {
    server,
    hint: thenAgain,
  })
}

function takenAway(server: string): JijiError {
  return new JijiError('lock.lost', `${server}: the lock was taken away, by jiji lock release or by hand`, {
    server,
    hint: thenAgain,
  })
}

function lostInSilence(server: string, cause: unknown): JijiError {
  const message = `${server}: the lock was lost, because nothing from here reached the server for ${silence}`
  const why = cause instanceof Error ? `${cause.message}; ` : ''
  return new JijiError('lock.lost', message, { server, hint: `${why}${thenAgain}`, cause })
}
