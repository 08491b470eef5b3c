import type { Config, Server, Service } from '../config/config.ts'
import { select } from '../config/select.ts'
import { JijiError } from '../errors.ts'
import type { Context } from './context.ts'

/** The one service that a command is for, and those of its servers that were selected. */
export function selectOne(
  { command, options }: Context,
  config: Config,
  name: string,
): { service: Service; servers: Server[] } {
  const { services, servers } = select(config, { hosts: options.list('hosts'), services: [name] })
  const [service, other] = services
  if (!service || other)
    throw new JijiError('usage', `${command} is for one service, and ${name} names ${services.length}`)
  return { service, servers: servers.filter(server => service.servers.includes(server.name)) }
}

/** The one server that a command is for. */
export function selectServer({ command, options }: Context, config: Config): Server {
  const { servers } = select(config, { hosts: options.list('hosts') })
  const [server, other] = servers
  if (server && !other) return server
  throw new JijiError('usage', `${command} is for one server, not for ${servers.length}`, {
    hint: `choose one with --hosts, such as -H ${server?.name}`,
  })
}
