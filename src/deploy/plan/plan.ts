import type { Config, Engine, Server } from '../../config/config.ts'
import type { ErrorCode } from '../../errors.ts'
import type { Slot } from '../../shell/names.ts'
import type { Site } from '../../shell/site.ts'
import type { Observation } from '../observe.ts'

/** What a release will change: data, printed by --dry-run, the confirmation and -o json alike. */
export type Plan = {
  schemaVersion: 1
  action: 'deploy' | 'rollback' | 'restart' | 'scale'
  project: string
  environment?: string
  release: string
  version: string
  /** Images to build and push, by service; `platforms` are those that its servers name: without any, the builder's own. */
  builds: readonly { service: string; name: string; platforms: readonly string[] }[]
  servers: readonly ServerPlan[]
  rollout: Rollout
  /** Servers that are down, and that were to be left out then. */
  skipped?: readonly Skipped[]
}

export type Rollout = {
  /** In each round service by service, and each service on these servers at once. */
  rounds: readonly (readonly { service: string; servers: readonly string[] }[])[]
  /** Milliseconds between two rounds. */
  wait: number
  onFailure: 'rollback' | 'keep'
}

export type Skipped = { server: string; code: ErrorCode; reason: string }

export type ServerPlan = {
  server: string
  engine: Engine
  /** The server that hands built images on to this one, where the configuration names it. */
  seed?: string
  /** The release that is on record there now. */
  from?: { release: string; version: string }
  /** Whether the proxy must be started, and whose routes must be written. */
  proxy: 'none' | 'start' | 'runs'
  site?: Site
  /** The routes that are written when these services have been replaced, because until then something else has their requests. */
  handover?: { services: readonly string[]; site: Site }
  replacements: readonly ReplacementPlan[]
  /** What is about to go from the local registry to this server; only before anything is built. */
  moves?: readonly Move[]
  /** Running containers of services that the configuration no longer has here, or the release gone back to. */
  retire: readonly string[]
  /** What goes once the release is on record; `keep` names the images that stay. */
  prune: {
    containers: readonly string[]
    images: readonly string[]
    releases: readonly string[]
    keep: readonly string[]
  }
}

export type ReplacementPlan = {
  service: string
  /** The service whose network it shares, where that is replaced as well: both at once. */
  with?: string
  image: string
  /** The name under which the image of this server's architecture is pushed, where there are several. */
  pushed?: string
  /** `names` are those of the replicas, the first one's first. */
  candidate: { names: readonly string[]; slot: Slot; isNew: boolean; ports?: readonly number[] }
  live?: { names: readonly string[]; slot: Slot; version: string; isRunning: boolean; ports?: readonly number[] }
  /** Runs in a container of the new image before anything is switched; on the service's first server. */
  hook?: HookPlan
  /** Of deploys that were cut off: containers that no release knows, and such as should not be running. */
  leftovers: { remove: readonly string[]; stop: readonly string[] }
  /**
   * What the new containers are of, where that is no new version: of a restart what runs there, of a rollback what is on
   * record, with the release that it was made for and the image's own id, unless it must be pulled.
   */
  again?: { version: string; digest: string; release?: string; id?: string }
}

/** How much of a service's image goes to a server. It is not built yet, so that another stands for it. */
export type Move = {
  service: string
  /** The image under the version that is to be built, if there is one already, else the newest; none before the first. */
  image?: {
    version: string
    /** Bytes of all of it. */
    size: number
    /** Bytes of it that the server has in no container's image, and that no service before this one brings. */
    missing: number
  }
}

export type HookPlan = { container: string; command: readonly string[] }

/** Of a rollback: whether the image must be fetched before anything else. */
export function isPulled({ candidate, again }: ReplacementPlan): boolean {
  return candidate.isNew && again?.release !== undefined && again.id === undefined
}

/** What every plan begins with. */
export function heading(action: Plan['action'], config: Config, release: string, version: string) {
  const { project, environment } = config
  return { schemaVersion: 1 as const, action, project, ...(environment ? { environment } : {}), release, version }
}

/** What the plan for every server begins with. */
export function serverPlan(
  server: Server,
  { current, releases }: Observation,
): Pick<ServerPlan, 'server' | 'engine' | 'from'> {
  const record = releases.find(({ id }) => id === current)
  return {
    server: server.name,
    engine: server.engine,
    ...(record ? { from: { release: record.id, version: record.version } } : {}),
  }
}

export function observationOf(observations: readonly Observation[], { name }: Server): Observation {
  const found = observations.find(({ server }) => server === name)
  if (!found) throw new Error(`${name} was not observed`)
  return found
}
