import type { Config, Engine } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import { volumeName } from '../../shell/container.ts'
import type { ReleaseRecord } from '../../shell/records.ts'
import type { Site } from '../../shell/site.ts'
import type { Observation } from '../observe.ts'
import { sharersOf } from '../recorded.ts'
import { observationOf } from './plan.ts'
import { siteAfter, unlessWritten } from './proxy.ts'
import type { Change } from './routes.ts'
import { leftWithout } from './sharing.ts'

/** What goes when services are removed: data, printed by --dry-run, the question and -o json alike. */
export type RemovePlan = {
  schemaVersion: 1
  action: 'service remove'
  project: string
  environment?: string
  servers: readonly ServerRemoval[]
}

export type ServerRemoval = {
  server: string
  engine: Engine
  services: readonly { service: string; containers: readonly string[]; volumes: readonly string[] }[]
  /** Whether volumes and directories go as well. */
  isWithVolumes: boolean
  /** The routes that stay, where some go. */
  site?: Site
  /** Host names that lead nowhere afterwards. */
  unrouted: readonly string[]
  images: readonly string[]
  keep: readonly string[]
  /** Releases as they are remembered without the services, and those of which nothing is left. */
  releases: { rewrite: readonly ReleaseRecord[]; drop: readonly string[] }
}

/**
 * Services go from servers with all of their releases, so that the others can still be rolled back.
 * @throws JijiError usage when something would be left without the network that it shares
 */
export function planRemove(
  config: Config,
  selected: Selected,
  observations: readonly Observation[],
  { isWithVolumes }: { isWithVolumes: boolean },
): RemovePlan {
  const { project, environment, scope } = config
  const servers = selected.servers.flatMap(server => {
    const observation = observationOf(observations, server)
    const services = selected.services.filter(one => one.servers.includes(server.name))
    if (services.length === 0) return []
    const names = new Set(services.map(({ name }) => name))
    const left = services
      .flatMap(({ name }) => sharersOf({ config }, observation, name).map(one => [name, one.service.name] as const))
      .find(([, name]) => !names.has(name))
    if (left) throw leftWithout(server.name, ...left)
    const own = observation.containers.filter(one => one.project === scope)
    const going = own.filter(({ service }) => names.has(service))
    const keep = new Set(own.filter(one => !going.includes(one)).map(({ image }) => image))
    return {
      server: server.name,
      engine: server.engine,
      services: services.map(({ name, volumes }) => ({
        service: name,
        containers: going.filter(({ service }) => service === name).map(one => one.name),
        volumes: volumes
          .filter(one => !one.startsWith('/'))
          .map(one => volumeName(scope, name, one).replace(/:.*/, '')),
      })),
      isWithVolumes,
      ...routesWithout(config, names, server, { observation, replacements: [], retire: going.map(({ name }) => name) }),
      images: [...new Set(going.map(({ image }) => image))].filter(image => !keep.has(image)),
      keep: [...keep],
      releases: recordsWithout(observation, names),
    }
  })
  return { schemaVersion: 1, action: 'service remove', project, ...(environment ? { environment } : {}), servers }
}

// Whatever the proxy there was started with, it lets routes go.
function routesWithout(
  config: Config,
  names: ReadonlySet<string>,
  server: Config['servers'][number],
  change: Change,
): Pick<ServerRemoval, 'site' | 'unrouted'> {
  const before = change.observation.sites.find(({ project }) => project === config.scope)?.hosts ?? []
  const others = { ...config, services: config.services.filter(({ name }) => !names.has(name)) }
  const after = before.length > 0 ? siteAfter(others, server, change) : undefined
  if (!after) return { unrouted: [] }
  const { site } = unlessWritten(change.observation, after)
  return { ...(site ? { site } : {}), unrouted: site ? before.filter(host => !site.hosts.includes(host)) : [] }
}

function recordsWithout({ releases }: Observation, names: ReadonlySet<string>): ServerRemoval['releases'] {
  const without = releases
    .filter(({ services }) => Object.keys(services).some(name => names.has(name)))
    .map(({ services, ...release }) => ({
      ...release,
      services: Object.fromEntries(Object.entries(services).filter(([name]) => !names.has(name))),
    }))
  const isEmpty = ({ services }: ReleaseRecord) => Object.keys(services).length === 0
  return { rewrite: without.filter(one => !isEmpty(one)), drop: without.filter(isEmpty).map(({ id }) => id) }
}
