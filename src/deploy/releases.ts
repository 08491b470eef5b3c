import type { Server } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import type { ReleaseRecord } from '../shell/records.ts'
import type { Observation } from './observe.ts'
import { localRepository } from './plan/moves.ts'
import { isPulled, observationOf, type ReplacementPlan, type ServerPlan } from './plan/plan.ts'
import { planReturn, serversOf } from './plan/rollback.ts'
import { obstacleTo, type RollbackRequest } from './plan/way-back.ts'

/** A release that servers have on record. */
export type Listed = { release: string; version: string; at?: string; by?: string; servers: ListedServer[] }

type ListedServer = {
  server: string
  services: string[]
  state: 'current' | 'possible' | 'impossible'
  /** What a rollback there would do: start containers that are there, make them again, or pull their images first. */
  how?: 'start' | 'make' | 'pull'
  /** Why it cannot, or on what it depends. */
  reason?: string
}

/** Whether the local registry holds an image; undefined where there is none, or it does not say. */
export type HasImage = (repository: string, digest: string) => boolean | undefined

/** What servers could go back to now, and why not to the others; the newest first. */
export function listReleases(request: RollbackRequest, hasImage: HasImage): Listed[] {
  const servers = serversOf(request).map(server => ({
    server,
    observation: observationOf(request.observations, server),
  }))
  const records = new Map(servers.flatMap(({ observation }) => observation.releases.map(one => [one.id, one])))
  return [...records.values()]
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .map(({ id, version, at, by }) => ({
      release: id,
      version,
      // A record that somebody has written by hand may lack them.
      ...(at ? { at } : {}),
      ...(by ? { by } : {}),
      servers: servers.map(({ server, observation }) => stateOn(request, server, observation, id, hasImage)),
    }))
}

function stateOn(
  request: RollbackRequest,
  server: Server,
  observation: Observation,
  id: string,
  hasImage: HasImage,
): ListedServer {
  const record = observation.releases.find(one => one.id === id)
  if (!record) return { server: server.name, services: [], state: 'impossible', reason: 'it is not on record there' }
  const listed = { server: server.name, services: Object.keys(record.services) }
  if (id === observation.current) return { ...listed, state: 'current' }
  const plan = obstacleTo(request, observation, record) ?? planOrWhyNot(request, server, observation, record)
  if (typeof plan === 'string') return { ...listed, state: 'impossible', reason: plan.replace(`${server.name}: `, '') }
  const pulled = plan.replacements.filter(isPulled)
  const isStored = ({ image, again }: ReplacementPlan) => {
    const repository = localRepository(image)
    return repository === undefined ? undefined : hasImage(repository, again?.digest ?? '')
  }
  const lost = pulled.find(one => isStored(one) === false)
  if (lost) {
    const reason = `the containers and the image of ${lost.service} are gone, and the local registry does not hold it`
    return { ...listed, state: 'impossible', reason }
  }
  if (pulled.some(one => isStored(one) === undefined))
    return { ...listed, state: 'possible', how: 'pull', reason: 'if its registry still has its images' }
  const isMade = plan.replacements.some(({ candidate }) => candidate.isNew)
  return { ...listed, state: 'possible', how: pulled.length > 0 ? 'pull' : isMade ? 'make' : 'start' }
}

function planOrWhyNot(
  request: RollbackRequest,
  server: Server,
  observation: Observation,
  record: ReleaseRecord,
): ServerPlan | string {
  try {
    return planReturn(request, server, observation, record)
  } catch (error) {
    if (error instanceof JijiError) return error.message
    throw error
  }
}

/** The images that could be asked for in the local registry. */
export function imagesOf(observations: readonly Observation[]): { repository: string; digests: string[] }[] {
  const wanted = new Map<string, Set<string>>()
  for (const { services } of observations.flatMap(({ releases }) => releases)) {
    for (const { image, digest } of Object.values(services)) {
      const repository = localRepository(image)
      if (repository && digest) wanted.set(repository, (wanted.get(repository) ?? new Set()).add(digest))
    }
  }
  return [...wanted].map(([repository, digests]) => ({ repository, digests: [...digests] }))
}
