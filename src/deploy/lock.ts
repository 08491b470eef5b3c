import type { Config } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import { holdLock, type LockOwner } from '../shell/lock.ts'
import { observe } from '../shell/observe.ts'
import { settled } from './failure.ts'
import { type Observation, parseObservation } from './observe.ts'

/**
 * Holds the project's lock on every server while `fn` runs, and gives it what each server said about itself under the
 * lock. The first server's lock is taken alone, so that of two deploys at once one goes on and does not merely stop
 * the other.
 * @throws JijiError lock.held
 */
export async function withLock<T>(
  config: Pick<Config, 'scope' | 'servers'>,
  runners: readonly Runner[],
  owner: LockOwner,
  signal: AbortSignal,
  fn: (observations: Observation[]) => Promise<T>,
): Promise<T> {
  const [first, ...others] = runners
  if (!first) return fn([])
  const held: Held[] = []
  const hold = async (runner: Runner) => {
    const one = await holdOn(config, runner, owner, signal)
    held.push(one)
    return one.observation
  }
  try {
    const observation = await hold(first)
    return await fn([observation, ...(await settled(others.map(hold)))])
  } finally {
    await Promise.allSettled(held.map(one => one.release()))
  }
}

type Held = { observation: Observation; release: () => Promise<void> }

async function holdOn(
  config: Pick<Config, 'scope' | 'servers'>,
  runner: Runner,
  owner: LockOwner,
  signal: AbortSignal,
): Promise<Held> {
  const engine = config.servers.find(({ name }) => name === runner.server)?.engine ?? 'docker'
  const letGo = new AbortController()
  const lines: string[] = []
  let isReady = () => {}
  const ready = new Promise<void>(resolve => {
    isReady = resolve
  })
  const run = runner.run(holdLock(config.scope, owner, observe(engine, config.scope)), {
    until: AbortSignal.any([letGo.signal, signal]),
    onLine: (line, stream) => {
      if (stream !== 'stdout') return
      if (line === 'ready') isReady()
      lines.push(line)
    },
  })
  const ended = run.then(output => {
    signal.throwIfAborted()
    if (output.code === exits.lockHeld)
      throw lockHeld(runner.server, parseObservation(runner.server, output.stdout).lock)
    throw (
      engineFailure(runner, engine, output) ??
      new JijiError('failed', `${runner.server}: the lock could not be taken: ${lastLine(output.stderr)}`, {
        server: runner.server,
      })
    )
  })
  await Promise.race([ready, ended])
  return {
    observation: { ...parseObservation(runner.server, lines.join('\n')), lock: undefined },
    release: async () => {
      letGo.abort()
      await ended.catch(() => {})
    },
  }
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
