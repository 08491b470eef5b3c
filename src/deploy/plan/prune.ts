import type { Config } from '../../config/config.ts'
import { recordedNames } from '../../shell/records.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import type { ReplacementPlan, ServerPlan } from './plan.ts'

/** Running containers of services that the configuration no longer has on this server. */
export function retireOf(config: Config, { server, containers }: Observation): string[] {
  const here = new Set(config.services.filter(({ servers }) => servers.includes(server)).map(({ name }) => name))
  return containers
    .filter(({ project, service, isRunning }) => project === config.scope && isRunning && !here.has(service))
    .map(({ name }) => name)
}

/** What exceeds the releases that are retained; of the current one nothing stays if the next one stands in for it. */
export function pruneOf(
  config: Config,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
  { isInstead = false } = {},
): ServerPlan['prune'] {
  // Releases after the current one were rolled back: they are no way back from the next.
  const { current = '' } = observation
  const kept = observation.releases
    .filter(({ id }) => (isInstead ? id < current : id <= current))
    .slice(0, config.deploy.retain - 1)
  const replaced = new Set(replacements.map(({ service }) => service))
  const used = new Set([
    ...kept.flatMap(({ services }) => Object.values(services).flatMap(recordedNames)),
    ...config.services
      .filter(({ name, servers }) => servers.includes(observation.server) && !replaced.has(name))
      .flatMap(({ name }) => liveOf(observation, config.scope, name).replicas.map(one => one.name)),
  ])
  const own = observation.containers.filter(({ project }) => project === config.scope)
  const old = own.filter(({ name }) => !used.has(name))
  const keep = new Set([
    ...own.filter(({ name }) => used.has(name)).map(({ image }) => image),
    ...replacements.map(({ image }) => image),
  ])
  return {
    containers: old.map(({ name }) => name),
    images: [...new Set(old.map(({ image }) => image))].filter(image => !keep.has(image)),
    releases: observation.releases.filter(record => !kept.includes(record)).map(({ id }) => id),
    keep: [...keep],
  }
}
