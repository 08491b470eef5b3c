import type { Config, Service } from '../../config/config.ts'
import { recordedNames } from '../../shell/records.ts'
import { liveOf } from '../live.ts'
import type { Container, Observation } from '../observe.ts'
import { sharersOf } from '../recorded.ts'
import type { ReplacementPlan, ServerPlan } from './plan.ts'

/** Running containers of services that the configuration no longer has on this server. */
export function unconfigured(config: Config, { server, containers }: Observation): Container[] {
  const here = new Set(config.services.filter(({ servers }) => servers.includes(server)).map(({ name }) => name))
  return containers.filter(
    ({ project, service, isRunning }) => project === config.scope && isRunning && !here.has(service),
  )
}

/**
 * Of these, the ones that a deploy of services stops: all if it is of all that the server has; else those alone that lose the
 * network which they share.
 */
export function retireOf(config: Config, observation: Observation, services: readonly Service[]): string[] {
  const isWhole = config.services.every(
    ({ name, servers }) => !servers.includes(observation.server) || services.some(one => one.name === name),
  )
  const sharers = services.flatMap(({ name }) => sharersOf({ config }, observation, name))
  return unconfigured(config, observation)
    .filter(({ service }) => isWhole || sharers.some(one => one.service.name === service))
    .map(({ name }) => name)
}

/** What exceeds the releases that are retained; of the current one nothing stays if the next one stands in for it. */
export function pruneOf(
  config: Config,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
  { isInstead = false, retire = [] }: { isInstead?: boolean; retire?: readonly string[] } = {},
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
    ...unconfigured(config, observation).flatMap(({ name }) => (retire.includes(name) ? [] : [name])),
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
