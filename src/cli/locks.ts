import { settled } from '../deploy/failure.ts'
import type { Output as RunOutput } from '../runner/runner.ts'
import type { LockOwner } from '../shell/lock.ts'
import type { Script } from '../shell/script.ts'
import type { Context } from './context.ts'
import { gatherSecrets, loadProject, selectFrom, withServers } from './gather.ts'

type Answer = { server: string; output: RunOutput; owner: LockOwner | undefined }

/** Runs one of the lock's scripts on all servers, and gives what each of them said. */
export async function onLocks<T>(
  context: Context,
  script: (scope: string) => Script,
  use: (answers: Answer[]) => T,
): Promise<T> {
  const config = loadProject(context)
  const { servers } = selectFrom(config, context)
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])
  return withServers(context, config, secrets, servers, async runners => {
    const answers = [...runners.values()].map(async runner => {
      const output = await runner.run(script(config.scope), { signal: context.signal })
      return { server: runner.server, output, owner: ownerIn(output.stdout) }
    })
    return use(await settled(answers))
  })
}

export function describeOwner({ by, host, since, command, message }: Partial<LockOwner>): string {
  return by === undefined ? 'somebody' : `${by} from ${host} since ${since} (${message ?? command})`
}

function ownerIn(text: string): LockOwner | undefined {
  const line = text.split('\n').find(one => one.startsWith('lock '))
  return line === undefined ? undefined : (JSON.parse(line.slice('lock '.length)) as LockOwner)
}
