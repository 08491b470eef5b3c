import type { Config, Engine } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import { volumeName } from '../../shell/container.ts'
import type { Observation } from '../observe.ts'
import { observationOf } from './plan.ts'

/** What a project has on a server beside its containers. */
export type Belongings = { images: string[]; volumes: string[]; folder?: string }

/** All of a project that goes from its servers: data, printed by --dry-run, the question and -o json alike. */
export type TeardownPlan = {
  schemaVersion: 1
  action: 'server teardown'
  project: string
  environment?: string
  servers: readonly ServerTeardown[]
}

export type ServerTeardown = {
  server: string
  engine: Engine
  containers: readonly string[]
  /** Host names that lead nowhere afterwards. */
  routes: readonly string[]
  images: readonly string[]
  volumes: readonly string[]
  /** Whether volumes and directories go as well. */
  isWithVolumes: boolean
  /** Where releases, audit and files are. */
  folder?: string
  /** The proxy and the network go with the last project. */
  isLast: boolean
  hasProxy: boolean
  others: readonly string[]
}

export function planTeardown(
  config: Config,
  { servers }: Selected,
  observations: readonly Observation[],
  belongings: ReadonlyMap<string, Belongings>,
  { isWithVolumes }: { isWithVolumes: boolean },
): TeardownPlan {
  const { project, environment, scope } = config
  return {
    schemaVersion: 1,
    action: 'server teardown',
    project,
    ...(environment ? { environment } : {}),
    servers: servers.map(server => {
      const { containers, sites, proxy } = observationOf(observations, server)
      const { images = [], volumes = [], folder } = belongings.get(server.name) ?? {}
      const own = containers.filter(one => one.project === scope)
      const others = new Set([
        ...containers.map(one => one.project),
        ...sites.filter(({ hosts }) => hosts.length > 0).map(one => one.project),
      ])
      others.delete(scope)
      return {
        server: server.name,
        engine: server.engine,
        containers: own.map(({ name }) => name),
        routes: sites.find(one => one.project === scope)?.hosts ?? [],
        images: [...new Set([...images, ...own.map(({ image }) => image)])],
        volumes: [...new Set([...volumes, ...configured(config, server.name)])],
        isWithVolumes,
        ...(folder ? { folder } : {}),
        isLast: others.size === 0,
        hasProxy: proxy !== undefined,
        others: [...others],
      }
    }),
  }
}

function configured({ scope, services }: Config, server: string): string[] {
  return services
    .filter(({ servers }) => servers.includes(server))
    .flatMap(({ name, volumes }) =>
      volumes.filter(one => !one.startsWith('/')).map(one => volumeName(scope, name, one).replace(/:.*/, '')),
    )
}
