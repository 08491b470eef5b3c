import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config, Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Output, Runner } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import { heartbeat, holdLock, type LockOwner } from '../shell/lock.ts'
import { observe } from '../shell/observe.ts'
import { requireLinger } from '../shell/rootless.ts'
import { lines } from '../shell/script.ts'
import { holding, type Report } from './event.ts'
import { limits } from './limits.ts'
import { type Observation, parseObservation } from './observe.ts'

export type HoldContext = {
  /** Containers are to run when it is let go, and nobody is logged in any more. */
  startsContainers?: boolean
  config: Pick<Config, 'scope' | 'servers' | 'builder'>
  owner: LockOwner
  report: Report
  signal: AbortSignal
  /** What is asked under the lock: what runs there, unless there may be nothing that could say it. */
  observing?: typeof observe
}

export type Held = {
  runner: Runner
  observation: Observation
  /** Nobody else can have had it since this owner took it first. */
  isKept: boolean
  /** How it came to be held no longer; undefined when it was let go, or the connection was lost. */
  end: Promise<'taken' | 'silent' | undefined>
  release: () => Promise<void>
}

/**
 * Holds the lock on one server, with a sign of life every few seconds.
 * @throws JijiError lock.held
 */
export async function holdOn(context: HoldContext, runner: Runner): Promise<Held> {
  const { config, owner, report, signal, startsContainers, observing = observe } = context
  const { server } = runner
  const engine = config.servers.find(({ name }) => name === server)?.engine ?? config.builder.engine
  const letGo = new AbortController()
  const said: string[] = []
  let isReady = () => {}
  const ready = new Promise<void>(resolve => {
    isReady = resolve
  })
  const ask = observing(engine, config.scope)
  const hold = () =>
    runner.run(holdLock(config.scope, owner, startsContainers ? lines(requireLinger(engine), ask) : ask), {
      until: letGo.signal,
      input: Readable.from(signsOfLife(letGo.signal)),
      onLine: (line, stream) => {
        if (stream !== 'stdout') return
        if (line === 'ready') isReady()
        said.push(line)
      },
    })
  const running = holding(report, { step: 'lock', server }, hold)
  const failed = running.then(output => {
    throw whyNotHeld(runner, engine, output)
  })
  await untilReady(ready, failed, letGo, signal, server)

  const gone = said.find(line => line.startsWith('gone '))
  if (gone) {
    const detail = `took over the lock of ${describeOwner(parseOwner(gone.slice('gone '.length)))}, who is gone`
    report({ step: 'lock', state: 'lost', server, detail })
  }
  const howItEnded = ({ code }: Output) =>
    letGo.signal.aborted ? undefined : code === exits.lockSilent ? 'silent' : 'taken'
  return {
    runner,
    observation: { ...parseObservation(server, said.join('\n')), lock: undefined },
    isKept: said.includes('kept'),
    end: running.then(howItEnded, () => undefined),
    release: async () => {
      letGo.abort()
      await failed.catch(() => {})
    },
  }
}

export function describeOwner({ by, host, since, command, message }: Partial<LockOwner>): string {
  return by === undefined ? 'somebody' : `${by} from ${host} since ${since} (${message ?? command})`
}

/** A lock whose owner cannot be read is a lock all the same. */
export function parseOwner(text: string): Partial<LockOwner> {
  try {
    return { ...(JSON.parse(text) as LockOwner) }
  } catch {
    return {}
  }
}

async function* signsOfLife(letGo: AbortSignal): AsyncGenerator<string> {
  while (!letGo.aborted) {
    yield '\n'
    await sleep(heartbeat.seconds * 1000, undefined, { signal: letGo, ref: false }).catch(() => {})
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
  return new JijiError('lock.held', `${server}: the lock is held by ${describeOwner(owner ?? {})}`, {
    server,
    hint: '--wait waits until they have finished; `jiji lock release` takes it away from somebody who is gone',
  })
}
