import type { Config, Service } from '../config/config.ts'
import { serviceFrom } from '../config/recorded.ts'
import type { ApplyContext } from './apply-context.ts'
import { liveOf } from './live.ts'
import type { Observation } from './observe.ts'
import type { Plan } from './plan/plan.ts'

type Known = Pick<ApplyContext, 'config' | 'observations'>

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

function recordOf(observation: Observation | undefined, name: string, container: string | undefined) {
  const recorded = (observation?.releases ?? []).map(({ services }) => services[name])
  return recorded.find(one => one !== undefined && one.container === container)
}
