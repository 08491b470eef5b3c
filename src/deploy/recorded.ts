import type { Config, Service } from '../config/config.ts'
import { serviceFrom } from '../config/recorded.ts'
import { networkOwner } from '../config/shared-network.ts'
import type { ApplyContext } from './apply-context.ts'
import { liveOf } from './live.ts'
import type { Observation } from './observe.ts'
import type { Plan, ReplacementPlan } from './plan/plan.ts'
import { liveIn } from './plan/replacement.ts'

export type Known = Pick<ApplyContext, 'config' | 'observations'>

/** A service as its container was made, where that is on record, else as it is configured now. */
export function serviceFor({ config, observations }: Known, server: string, name: string, container?: string): Service {
  const observation = observations.find(one => one.server === server)
  const recorded = recordOf(observation, name, container)
  if (recorded?.settings) return serviceFrom(name, recorded.settings, [server])
  const service = config.services.find(one => one.name === name)
  if (!service) throw new Error(`${name} is not configured`)
  return service
}

/** The configuration, with the services that come back as they were, those that it has no more among them. */
export function withReturning({ config, observations }: Known, plan: Pick<Plan, 'servers'>): Config {
  const services = new Map(config.services.map(service => [service.name, service]))
  for (const { server, replacements } of plan.servers.toReversed()) {
    for (const { service, candidate } of replacements)
      services.set(service, serviceFor({ config, observations }, server, service, candidate.names[0]))
  }
  return { ...config, services: [...services.values()] }
}

/** A service as what runs of it on a server was made, as far as that is on record. */
export function asItRuns(observation: Observation, scope: string, service: Service): Service {
  const { container } = liveOf(observation, scope, service.name)
  const recorded = recordOf(observation, service.name, container?.name)
  return recorded?.settings
    ? { ...serviceFrom(service.name, recorded.settings, service.servers), environment: service.environment }
    : service
}

/** The same of one that need not be configured any more; undefined where nothing is known of it. */
export function serviceNow({ services, scope }: Config, observation: Observation, name: string): Service | undefined {
  const { container } = liveOf(observation, scope, name)
  const recorded = recordOf(observation, name, container?.name)
  return recorded?.settings
    ? serviceFrom(name, recorded.settings, [observation.server])
    : services.find(one => one.name === name)
}

/** The container that runs of the service whose network another one shares. */
export function networkOf({ config, observations }: Known, server: string, service: Service): string | undefined {
  const owner = networkOwner(service)
  const observation = observations.find(one => one.server === server)
  return owner && observation ? liveOf(observation, config.scope, owner).container?.name : undefined
}

/** What runs in the network of another service's container. */
export type Sharer = { service: Service; live: NonNullable<ReplacementPlan['live']> }

/** Those of a service on a server, as far as it is on record what they were made for. */
export function sharersOf({ config }: Pick<Known, 'config'>, observation: Observation, owner: string): Sharer[] {
  const { server, containers } = observation
  const names = new Set(containers.filter(({ project }) => project === config.scope).map(({ service }) => service))
  return [...names].flatMap(name => {
    const { live } = liveIn(liveOf(observation, config.scope, name))
    const settings = live?.isRunning ? recordOf(observation, name, live.names[0])?.settings : undefined
    if (!live || !settings || networkOwner(settings) !== owner) return []
    return [{ service: serviceFrom(name, settings, [server]), live }]
  })
}

function recordOf(observation: Observation | undefined, name: string, container: string | undefined) {
  const recorded = (observation?.releases ?? []).map(({ services }) => services[name])
  return recorded.find(one => one !== undefined && one.container === container)
}
