import { setTimeout as sleep } from 'node:timers/promises'
import type { Config, Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Output, Runner } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import { holdLock, type LockOwner } from '../shell/lock.ts'
import { observe } from '../shell/observe.ts'
import { settled } from './failure.ts'
import { limits } from './limits.ts'
import { type Observation, parseObservation } from './observe.ts'

/**
 * Holds the project's lock on every server while `fn` runs, and gives it what each server said about itself under the
 * lock. The first server's lock is taken alone, so that of two deploys at once one goes on and does not merely stop
 * the other.
 * @throws JijiError lock.held
 */
export async function withLock<T>(
  config: Pick<Config, 'scope' | 'servers' | 'builder'>,
  runners: readonly Runner[],
  owner: LockOwner,
  signal: AbortSignal,
  fn: (observations: Observation[], holdAgain: (runner: Runner) => Promise<void>) => Promise<T>,
): Promise<T> {
  const [first, ...others] = runners
  if (!first) return fn([], async () => {})
  const held: Held[] = []
  const hold = async (runner: Runner, isAgain = false) => {
    const one = await holdOn(config, runner, owner, signal, isAgain)
    held.push(one)
    return one.observation
  }
  try {
    const observation = await hold(first)
    const observations = [observation, ...(await settled(others.map(other => hold(other))))]
    return await fn(observations, async runner => {
      const before = observations.find(({ server }) => server === runner.server)
      const after = await patiently(() => hold(runner, true), signal)
      if (!before || releaseOf(before) !== releaseOf(after)) throw changedMeanwhile(runner.server)
    })
  } finally {
    await Promise.allSettled(held.map(one => one.release()))
  }
}

/** A server lets go of the lock of a connection that is lost when it has noticed, which takes it some seconds. */
async function patiently<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadline = Date.now() + limits.letGo
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof JijiError) || error.code !== 'lock.held' || Date.now() > deadline) throw error
      await sleep(500, undefined, { signal })
    }
  }
}

/** What somebody else's release would have changed while nobody held the lock. */
function releaseOf({ current, releases, markers }: Observation): string {
  return JSON.stringify([current, releases.map(({ id }) => id), [...markers].toSorted()])
}

function changedMeanwhile(server: string): JijiError {
  return new JijiError('lock.held', `${server}: while the connection was lost, somebody else has deployed there`, {
    server,
    hint: 'see what runs there (jiji status), then deploy again',
  })
}

type Held = { observation: Observation; release: () => Promise<void> }

async function holdOn(
  { scope, servers, builder }: Pick<Config, 'scope' | 'servers' | 'builder'>,
  runner: Runner,
  owner: LockOwner,
  signal: AbortSignal,
  isAgain: boolean,
): Promise<Held> {
  const { server } = runner
  const engine = servers.find(({ name }) => name === server)?.engine ?? builder.engine
  const letGo = new AbortController()
  const lines: string[] = []
  let isReady = () => {}
  const ready = new Promise<void>(resolve => {
    isReady = resolve
  })
  const ended = runner
    .run(holdLock(scope, owner, observe(engine, scope), { isAgain }), {
      until: letGo.signal,
      onLine: (line, stream) => {
        if (stream !== 'stdout') return
        if (line === 'ready') isReady()
        lines.push(line)
      },
    })
    .then(output => {
      throw whyNotHeld(runner, engine, output)
    })
  await untilReady(ready, ended, letGo, signal, server)
  return {
    observation: { ...parseObservation(server, lines.join('\n')), lock: undefined },
    release: async () => {
      letGo.abort()
      await ended.catch(() => {})
    },
  }
}

async function untilReady(
  ready: Promise<void>,
  ended: Promise<never>,
  letGo: AbortController,
  signal: AbortSignal,
  server: string,
): Promise<void> {
  const giveUp = () => letGo.abort()
  const timer = setTimeout(giveUp, limits.ask)
  signal.addEventListener('abort', giveUp)
  try {
    await Promise.race([ready, ended])
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    if (!letGo.signal.aborted) throw error
    const message = `${server} did not say what runs there within ${limits.ask / 1000} s`
    throw new JijiError('server.timeout', message, { server, hint: 'is its engine busy, or hung?', cause: error })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

function whyNotHeld(runner: Runner, engine: Engine, output: Output): JijiError {
  const { server } = runner
  if (output.code === exits.lockHeld) return lockHeld(server, parseObservation(server, output.stdout).lock)
  const message = `${server}: the lock could not be taken: ${lastLine(output.stderr)}`
  return engineFailure(runner, engine, output) ?? new JijiError('failed', message, { server })
}

function lockHeld(server: string, owner: LockOwner | undefined): JijiError {
  const who = owner?.by
    ? `${owner.by} from ${owner.host} since ${owner.since} (${owner.message ?? owner.command})`
    : 'somebody'
  return new JijiError('lock.held', `${server}: the lock is held by ${who}`, {
    server,
    hint: 'wait until they have finished; `jiji lock release` takes it away from somebody who is gone',
  })
}
