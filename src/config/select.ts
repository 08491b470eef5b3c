import { JijiError } from '../errors.ts'
import type { Config, Server, Service } from './config.ts'
import { nearest } from './nearest.ts'

export type Selection = { hosts?: readonly string[] | undefined; services?: readonly string[] | undefined }

/** What a command acts on. A service keeps only the servers that were selected, and goes when none is left. */
export type Selected = { servers: readonly Server[]; services: readonly Service[] }

/**
 * Names, `*` wildcards and comma lists, as -H and -S take them.
 * @throws JijiError select.no-match when a pattern, or all of them together, match nothing
 */
export function select(config: Config, { hosts, services }: Selection): Selected {
  const serverNames = matching(
    hosts,
    config.servers.map(({ name }) => name),
    'server',
  )
  const serviceNames = matching(
    services,
    config.services.map(({ name }) => name),
    'service',
  )
  const chosen = config.services
    .filter(({ name }) => serviceNames.has(name))
    .map(service => ({ ...service, servers: service.servers.filter(server => serverNames.has(server)) }))
    .filter(service => service.servers.length > 0)
  const used = new Set(chosen.flatMap(service => service.servers))
  const servers = config.servers.filter(
    ({ name }) => serverNames.has(name) && (services === undefined || used.has(name)),
  )
  if (servers.length === 0) throw new JijiError('select.no-match', 'no server runs the services that were selected')
  return { servers, services: chosen }
}

/** The same without some servers, and without the services that run on those alone. */
export function without({ servers, services }: Selected, names: readonly string[]): Selected {
  const isLeft = (server: string) => !names.includes(server)
  return {
    servers: servers.filter(({ name }) => isLeft(name)),
    services: services
      .map(service => ({ ...service, servers: service.servers.filter(isLeft) }))
      .filter(service => service.servers.length > 0),
  }
}

function matching(patterns: readonly string[] | undefined, names: readonly string[], what: string): Set<string> {
  if (patterns === undefined) return new Set(names)
  const wanted = patterns
    .flatMap(pattern => pattern.split(','))
    .map(pattern => pattern.trim())
    .filter(pattern => pattern !== '')
  if (wanted.length === 0) throw new JijiError('select.no-match', `no ${what} is named`, { hint: knownOf(names) })
  return new Set(
    wanted.flatMap(pattern => {
      const found = names.filter(name => wildcard(pattern).test(name))
      if (found.length > 0) return found
      const meant = nearest(pattern, names)
      throw new JijiError('select.no-match', `no ${what} matches ${pattern}`, {
        hint: meant ? `did you mean ${meant}?` : knownOf(names),
      })
    }),
  )
}

function knownOf(names: readonly string[]): string {
  return `known: ${names.join(', ')}`
}

function wildcard(pattern: string): RegExp {
  const source = pattern
    .split('*')
    .map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`)
}
