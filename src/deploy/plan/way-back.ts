import type { Config, Service } from '../../config/config.ts'
import { serviceFrom } from '../../config/recorded.ts'
import type { Selected } from '../../config/select.ts'
import { networkOwner } from '../../config/shared-network.ts'
import { otherSlot } from '../../shell/names.ts'
import { type RecordedService, type ReleaseRecord, recordedNames } from '../../shell/records.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import type { ReplacementPlan } from './plan.ts'
import { liveIn } from './replacement.ts'

export type RollbackRequest = {
  config: Config
  selected: Selected
  observations: readonly Observation[]
  /** The version or the id of the release to go to; without it, the one before. */
  wanted?: string | undefined
  /** Whether only the selected services go back, and all else stays as it is. */
  isPartial?: boolean
}

/** Why a server cannot go back to a release, if it cannot. */
export function obstacleTo(
  request: RollbackRequest,
  observation: Observation,
  target: ReleaseRecord,
): string | undefined {
  return servicesOf(request, observation.server, target)
    .map(([name]) => whyGone(request.config, observation, target, name))
    .find(why => why !== undefined)
}

/** Those of a release that are meant; what an older jiji recorded, and is configured there no more, nobody knows how to run. */
export function servicesOf(
  { config, selected, isPartial }: RollbackRequest,
  server: string,
  target: ReleaseRecord,
): [string, RecordedService][] {
  return Object.entries(target.services).filter(
    ([name]) =>
      serviceThen(config, server, target, name) &&
      (!isPartial || selected.services.some(service => [name, ownerIn(target, name)].includes(service.name))),
  )
}

/** The service whose network one shared in a release. */
function ownerIn({ services }: ReleaseRecord, name: string): string | undefined {
  return networkOwner(services[name]?.settings)
}

/** Why a service cannot come back without the one whose network it shared, if that one's container is another now. */
export function whyApart(
  request: RollbackRequest,
  observation: Observation,
  target: ReleaseRecord,
): string | undefined {
  const { config } = request
  const names = servicesOf(request, observation.server, target).map(([name]) => name)
  const isServed = (name: string) => {
    const recorded = target.services[name]
    return recorded !== undefined && isServing(config, observation, name, recorded)
  }
  const apart = names.find(name => {
    const owner = ownerIn(target, name)
    return owner !== undefined && !names.includes(owner) && !isServed(owner) && !isServed(name)
  })
  if (apart === undefined) return undefined
  const owner = ownerIn(target, apart)
  return `${apart} shares the network of ${owner}, which must go back as well: -S ${owner}`
}

/** Why a service of an earlier release cannot come back, if neither its containers are there nor what makes them again. */
function whyGone(config: Config, observation: Observation, target: ReleaseRecord, name: string): string | undefined {
  const recorded = target.services[name]
  if (!recorded || canStart(observation, target, name) || isServing(config, observation, name, recorded))
    return undefined
  const gone = `the containers of ${name} are gone`
  if (!recorded.settings) return `${gone}, and how they were made is not on record`
  const image = observation.kept.get(recorded.container)
  if (image === undefined) return `${gone}, and so is their environment`
  return image === '' && recorded.digest === '' ? `${gone}, and so is its image, which has no digest` : undefined
}

/** A service as it was in a release; of one that an older jiji recorded, as it is configured now. */
export function serviceThen(
  { services }: Config,
  server: string,
  record: ReleaseRecord | undefined,
  name: string,
): Service | undefined {
  const { settings, replicas = 1 } = record?.services[name] ?? {}
  return settings
    ? { ...serviceFrom(name, settings, [server]), replicas }
    : services.find(one => one.name === name && one.servers.includes(server))
}

/** Starts its containers, or makes them again, of an image that is there or is pulled first. Nothing where they serve. */
export function returnOf(
  config: Config,
  observation: Observation,
  target: ReleaseRecord,
  name: string,
): ReplacementPlan[] {
  const recorded = target.services[name]
  if (!recorded || isServing(config, observation, name, recorded)) return []
  const { container, image, digest, settings } = recorded
  const live = liveOf(observation, config.scope, name)
  const names = recordedNames(recorded)
  const there = observation.containers.filter(one => names.includes(one.name))
  const isNew = !canStart(observation, target, name)
  const stood = there.find(one => one.name === container)?.ports ?? []
  const ports = stood.length > 0 ? stood : (settings?.proxy?.targets.map(target => target.app_port) ?? [])
  const id = observation.kept.get(container)
  return [
    {
      service: name,
      image,
      candidate: {
        names,
        slot: live.slot ? otherSlot(live.slot) : (recorded.slot ?? 'a'),
        isNew,
        ...(ports.length > 0 ? { ports } : {}),
      },
      ...liveIn(live),
      leftovers: { remove: isNew ? there.map(one => one.name) : [], stop: [] },
      ...(isNew
        ? {
            again: {
              version: recorded.version ?? target.version,
              digest,
              release: recorded.release ?? target.id,
              ...(id ? { id } : {}),
            },
          }
        : {}),
    },
  ]
}

/** Whether its containers are there; and the one whose network they share, which they know by its id. */
function canStart(observation: Observation, target: ReleaseRecord, name: string): boolean {
  const owner = ownerIn(target, name)
  return [name, ...(owner ? [owner] : [])].every(one => {
    const recorded = target.services[one]
    return recorded !== undefined && isThere(observation, recorded)
  })
}

function isServing({ scope }: Config, observation: Observation, name: string, recorded: RecordedService): boolean {
  const { container } = liveOf(observation, scope, name)
  return container !== undefined && recordedNames(recorded).includes(container.name)
}

function isThere({ containers }: Observation, recorded: RecordedService): boolean {
  return recordedNames(recorded).every(name => containers.some(one => one.name === name))
}
