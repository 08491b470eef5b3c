import type { Config, Server } from '../../config/config.ts'
import { look } from '../../deploy/look.ts'
import type { Observation } from '../../deploy/observe.ts'
import type { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { unreachable, withReachable } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const { output, signal } = context
  const config = loadProject(context)
  const { servers } = selectFrom(config, context)
  const secrets = await gatherKeys(context, config, servers)

  await withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
    const {
      observations,
      failures: failed,
      took,
    } = await look(config, { servers, services: [] }, runners, failures, signal)
    const listed = servers.map(server =>
      describe(
        config,
        server,
        observations.find(one => one.server === server.name),
        failed.get(server.name),
        took.get(server.name),
      ),
    )
    if (output.style.json) output.json({ schemaVersion: 1, servers: listed })
    else
      output.table(
        ['server', 'host', 'user', 'engine', 'arch', 'services', 'state'],
        listed.map(one => [
          one.server,
          one.host,
          one.user ?? '-',
          one.version ? `${one.engine} ${one.version}` : one.engine,
          one.arch ?? '-',
          one.services.join(' ') || '-',
          one.reason ?? `answered in ${one.milliseconds} ms`,
        ]),
      )
    if (failed.size > 0) throw unreachable([...failed.values()], servers.length)
  })
}

type Listed = {
  server: string
  host: string
  user?: string
  engine: string
  version?: string
  arch: string | undefined
  services: string[]
  isReached: boolean
  milliseconds?: number | undefined
  code?: string
  reason?: string
}

function describe(
  { ssh, services }: Config,
  { name, host, user = ssh.user, engine, arch }: Server,
  observation: Observation | undefined,
  failure: JijiError | undefined,
  milliseconds: number | undefined,
): Listed {
  return {
    server: name,
    host,
    ...(user && host !== 'local' ? { user } : {}),
    engine,
    ...(observation ? { version: observation.engine.version } : {}),
    arch: observation?.engine.arch.replace(/^linux\//, '') ?? arch,
    services: services.filter(({ servers }) => servers.includes(name)).map(service => service.name),
    isReached: failure === undefined,
    ...(failure ? { code: failure.code, reason: failure.message } : { milliseconds }),
  }
}
