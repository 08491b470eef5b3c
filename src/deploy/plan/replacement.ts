import type { Config, Service } from '../../config/config.ts'
import { containerName, otherSlot } from '../../shell/names.ts'
import { liveOf } from '../live.ts'
import type { Container, Observation } from '../observe.ts'
import { imageName } from './builds.ts'
import type { ReplacementPlan } from './plan.ts'

/** A new container for a service, in the slot that is free. */
export function replacementOf(
  config: Config,
  service: Service,
  observation: Observation,
  release: string,
  version: string,
): ReplacementPlan {
  const { container, slot } = liveOf(observation, config.scope, service.name)
  const recorded = new Set(observation.releases.map(record => record.services[service.name]?.container))
  const others = observation.containers.filter(
    one => one.project === config.scope && one.service === service.name && one.name !== container?.name,
  )
  return {
    service: service.name,
    image: imageName(config, service, version),
    candidate: {
      name: containerName(config.scope, service.name, release),
      slot: slot ? otherSlot(slot) : 'a',
      isNew: true,
      ...(service.proxy ? { port: service.proxy.app_port } : {}),
    },
    ...(container ? { live: liveContainer(container) } : {}),
    leftovers: {
      remove: others.filter(({ name }) => !recorded.has(name)).map(({ name }) => name),
      stop: others.filter(({ name, isRunning }) => recorded.has(name) && isRunning).map(({ name }) => name),
    },
  }
}

export function liveContainer({
  name,
  slot,
  version,
  isRunning,
  port,
}: Container): NonNullable<ReplacementPlan['live']> {
  return { name, slot, version, isRunning, ...(port ? { port } : {}) }
}
