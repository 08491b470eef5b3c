import type { Config } from '../config/config.ts'
import { settled } from '../deploy/failure.ts'
import { describeOwner, parseOwner } from '../deploy/hold-lock.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import type { Runner, Output as RunOutput } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import type { LockOwner } from '../shell/lock.ts'
import type { Script } from '../shell/script.ts'
import { renderDuration } from '../ui/age.ts'
import type { Context } from './context.ts'
import { loadProject, selectFrom } from './project.ts'
import { gatherKeys } from './secrets.ts'
import { withServers } from './servers.ts'

export type Answer = {
  runner: Runner
  output: RunOutput
  owner: Partial<LockOwner> | undefined
  /** What holds it for its owner, and the seconds since it last heard of them; none where it was taken by hand. */
  holder: { state: 'live' | 'gone'; silentFor: number | undefined } | undefined
}

/** Runs one of the lock's scripts on all servers, and gives what each of them said. */
export async function onLocks<T>(
  context: Context,
  script: (config: Config, runner: Runner) => Script,
  use: (answers: Answer[], config: Config) => T | Promise<T>,
): Promise<T> {
  const config = loadProject(context)
  const { servers } = selectFrom(config, context)
  const secrets = await gatherKeys(context, config, servers)
  return withServers(context, config, secrets, servers, async runners => {
    const answers = [...runners.values()].map(async (runner): Promise<Answer> => {
      const output = await runner.run(script(config, runner), { signal: context.signal })
      return { runner, output, owner: ownerIn(output.stdout), holder: holderIn(output.stdout) }
    })
    return use(await settled(answers), config)
  })
}

/** Why a script did not do what it is for; undefined when it did. */
export function failureOf({ runner: { server }, output, owner }: Answer): JijiError | undefined {
  if (output.code === 0) return undefined
  if (output.code === exits.lockHeld) {
    return new JijiError('lock.held', `${server}: the lock is held by ${describeOwner(owner ?? {})}`, {
      server,
      hint: 'jiji lock status shows all servers; jiji lock release takes locks away',
    })
  }
  return new JijiError('failed', `${server}: the lock cannot be used: ${lastLine(output.stderr)}`, { server })
}

export function describeHolder(holder: Answer['holder']): string {
  if (!holder) return 'none: stays until jiji lock release'
  const ago = holder.silentFor === undefined ? '' : `, last ${renderDuration(holder.silentFor * 1000)} ago`
  return holder.state === 'live' ? `live${ago}` : `gone${ago}: the next deploy takes it over`
}

function ownerIn(text: string): Partial<LockOwner> | undefined {
  const line = text.split('\n').find(one => one.startsWith('lock '))
  return line === undefined ? undefined : parseOwner(line.slice('lock '.length))
}

function holderIn(text: string): Answer['holder'] {
  const [, state, seconds] = /^holder (live|gone) (\d*)$/m.exec(text) ?? []
  if (state !== 'live' && state !== 'gone') return undefined
  return { state, silentFor: seconds ? Number(seconds) : undefined }
}
