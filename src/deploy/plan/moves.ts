import type { Config, Server } from '../../config/config.ts'
import { type Stored, sizeOf, type Version } from '../../registry/local/contents.ts'
import type { Wanted } from '../../registry/local/find.ts'
import type { Container, Observation } from '../observe.ts'
import { imagesOf } from './builds.ts'
import type { Move, Plan, ReplacementPlan, ServerPlan } from './plan.ts'

/** Which images of the local registry tell how much will move: those of this version, and all that the servers run. */
export function imagesToFind(builds: Plan['builds'], observations: readonly Observation[]): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const build of builds) {
    const repository = localRepository(build.name)
    const tags = imagesOf(build).map(({ name }) => tagOf(name))
    if (repository) wanted.set(repository, { repository, tags, digests: [] })
  }
  for (const { image, digest } of observations.flatMap(({ containers }) => containers)) {
    const repository = localRepository(image)
    if (!repository || !digest) continue
    const { tags, digests } = wanted.get(repository) ?? { tags: [], digests: [] }
    wanted.set(repository, { repository, tags, digests: [...new Set([...digests, digest])] })
  }
  return [...wanted.values()]
}

type Known = { observations: readonly Observation[]; version: string; stored: readonly Stored[] }

/** Nothing moves to this machine itself. */
export function movesOf(
  config: Config,
  server: Server,
  replacements: readonly ReplacementPlan[],
  known: Known,
): Pick<ServerPlan, 'moves'> {
  if (server.host === 'local') return {}
  const containers = known.observations.find(one => one.server === server.name)?.containers ?? []
  const running = new Set(containers.map(({ digest }) => digest))
  const all = known.stored.flatMap(({ versions }) => versions)
  const there = new Set(all.filter(({ digest }) => running.has(digest)).flatMap(({ parts }) => [...parts.keys()]))
  const moves = replacements.flatMap(({ service, image, pushed = image }): Move[] => {
    const repository = localRepository(image)
    const isBuilt = config.services.some(({ name, build }) => name === service && build)
    if (!isBuilt || !repository) return []
    const like = standIn(repository, tagOf(pushed), known, containersOf(known.observations, config.scope, service))
    if (!like) return [{ service }]
    const missing = new Map([...like.image.parts].filter(([digest]) => !there.has(digest)))
    for (const digest of missing.keys()) there.add(digest)
    const bytes = { size: sizeOf([like.image]), missing: sizeOf([{ parts: missing }]) }
    return [{ service, image: { version: like.version, ...bytes } }]
  })
  return moves.length > 0 ? { moves } : {}
}

/** The image that is most like the one to come: the same version, else what was deployed last, else what was built last. */
function standIn(
  repository: string,
  tag: string,
  { version, stored }: Known,
  containers: readonly Container[],
): { version: string; image: Version } | undefined {
  const versions = stored.find(one => one.repository === repository)?.versions ?? []
  const same = versions.find(({ tags }) => tags.includes(tag))
  if (same) return { version, image: same }
  for (const container of containers) {
    const image = versions.find(({ digest }) => digest === container.digest)
    if (image) return { version: container.version, image }
  }
  const newest = versions.toSorted((a, b) => (a.created ?? '').localeCompare(b.created ?? '')).at(-1)
  return newest && { version: newest.tags.at(-1) ?? newest.digest, image: newest }
}

/** On all servers, those of the newest release first. */
function containersOf(observations: readonly Observation[], scope: string, service: string): Container[] {
  return observations
    .flatMap(({ containers }) => containers)
    .filter(one => one.project === scope && one.service === service)
    .toSorted((a, b) => (a.release < b.release ? 1 : -1))
}

function tagOf(image: string): string {
  return image.replace(/^.*:/, '')
}

/** `app-web` of `localhost:9270/app-web:v1`, whatever the port: it may have changed since. */
export function localRepository(image: string): string | undefined {
  return /^localhost:\d+\/(.+):[^:/]*$/.exec(image)?.[1]
}
