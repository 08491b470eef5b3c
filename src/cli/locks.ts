import { settled } from '../deploy/failure.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import type { Runner, Output as RunOutput } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import type { LockOwner } from '../shell/lock.ts'
import type { Script } from '../shell/script.ts'
import type { Context } from './context.ts'
import { gatherSecrets, loadProject, selectFrom, withServers } from './gather.ts'

export type Answer = { runner: Runner; output: RunOutput; owner: Partial<LockOwner> | undefined }

/** Runs one of the lock's scripts on all servers, and gives what each of them said. */
export async function onLocks<T>(
  context: Context,
  script: (scope: string) => Script,
  use: (answers: Answer[], scope: string) => T | Promise<T>,
): Promise<T> {
  const config = loadProject(context)
  const { servers } = selectFrom(config, context)
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])
  return withServers(context, config, secrets, servers, async runners => {
    const answers = [...runners.values()].map(async (runner): Promise<Answer> => {
      const output = await runner.run(script(config.scope), { signal: context.signal })
      return { runner, output, owner: ownerIn(output.stdout) }
    })
    return use(await settled(answers), config.scope)
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

export function describeOwner({ by, host, since, command, message }: Partial<LockOwner>): string {
  return by === undefined ? 'somebody' : `${by} from ${host} since ${since} (${message ?? command})`
}

function ownerIn(text: string): Partial<LockOwner> | undefined {
  const line = text.split('\n').find(one => one.startsWith('lock '))
  return line === undefined ? undefined : parseOwner(line.slice('lock '.length))
}

/** A lock whose owner cannot be read is a lock all the same. */
function parseOwner(text: string): Partial<LockOwner> {
  try {
    return { ...(JSON.parse(text) as LockOwner) }
  } catch {
    return {}
  }
}
