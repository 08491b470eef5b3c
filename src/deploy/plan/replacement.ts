import type { Config, Service } from '../../config/config.ts'
import { containerName, otherSlot, replicaNames } from '../../shell/names.ts'
import { type RecordedService, recordedNames } from '../../shell/records.ts'
import { type Live, liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import { imageName } from './builds.ts'
import type { ReplacementPlan } from './plan.ts'

/** New containers for a service, in the slot that is free. */
export function replacementOf(
  config: Config,
  service: Service,
  observation: Observation,
  release: string,
  version: string,
): ReplacementPlan {
  const { slot, ...live } = liveOf(observation, config.scope, service.name)
  const recorded = new Set(observation.releases.flatMap(({ services }) => namesIn(services[service.name])))
  const first = containerName(config.scope, service.name, release)
  const others = observation.containers.filter(
    one => one.project === config.scope && one.service === service.name && !live.replicas.includes(one),
  )
  return {
    service: service.name,
    image: imageName(config, service, version),
    candidate: {
      names: replicaNames(first, service.replicas),
      slot: slot ? otherSlot(slot) : 'a',
      isNew: true,
      ...(service.proxy ? { ports: service.proxy.targets.map(({ app_port }) => app_port) } : {}),
    },
    ...liveIn(live),
    leftovers: {
      remove: others.filter(({ name }) => !recorded.has(name)).map(({ name }) => name),
      stop: others.filter(({ name, isRunning }) => recorded.has(name) && isRunning).map(({ name }) => name),
    },
  }
}

function namesIn(service: RecordedService | undefined): string[] {
  return service ? recordedNames(service) : []
}

export function liveIn({ container, replicas }: Pick<Live, 'container' | 'replicas'>): Pick<ReplacementPlan, 'live'> {
  if (!container) return {}
  const { slot, version, ports } = container
  const isRunning = replicas.some(one => one.isRunning)
  return {
    live: { names: replicas.map(({ name }) => name), slot, version, isRunning, ...(ports.length > 0 ? { ports } : {}) },
  }
}
