import type { Config, Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import type { LockOwner } from '../shell/lock.ts'
import { labels, type Slot } from '../shell/names.ts'
import { observe } from '../shell/observe.ts'
import { type ReleaseRecord, recordedNames } from '../shell/records.ts'
import type { SiteHeading } from '../shell/site.ts'
import { settled } from './failure.ts'
import { limits } from './limits.ts'

/** What a server said about itself. */
export type Observation = {
  server: string
  engine: { version: string; arch: string }
  /** Of a Podman whose user is not root. */
  rootless: Rootless | undefined
  /** What the proxy was started with; undefined where there is none. */
  proxy: string | undefined
  sites: readonly SiteHeading[]
  /** Services whose slot b is live, as `scope/service.b`; only proxied ones have an entry. */
  markers: ReadonlySet<string>
  /** Our containers, those of other projects included. */
  containers: readonly Container[]
  /** This project's releases, the newest first. */
  releases: readonly ReleaseRecord[]
  current: string | undefined
  /** Of containers that can be made again as they were, there or not: their image's id, or nothing where that is gone. */
  kept: ReadonlyMap<string, string>
  lock: LockOwner | undefined
}

export type Rootless = {
  user: string
  /** The first port that this user may listen on. */
  firstPort: number
  /** What can be limited; undefined where that is not known. */
  limits: { cgroups: 'v1' | 'v2'; controllers: readonly string[] } | undefined
}

export type Container = {
  id: string
  name: string
  project: string
  service: string
  release: string
  version: string
  slot: Slot
  /** 1 for the first, or only one. */
  replica: number
  image: string
  digest: string
  hosts: readonly string[]
  /** Those that the proxy reaches it on; none for one that is not behind it. */
  ports: readonly number[]
  state: string
  isRunning: boolean
  startedAt: string
  finishedAt: string
  exitCode: number
  restarts: number
  health: string
  isOutOfMemory: boolean
  /** What the image's own check said last, where it fails. */
  lastCheck: string | undefined
}

/** @throws JijiError engine.missing, engine.denied, engine.failed */
export async function observeServer(
  runner: Runner,
  engine: Engine,
  scope: string,
  signal?: AbortSignal,
  { isFollowed = false } = {},
): Promise<Observation> {
  const options = { timeout: limits.ask, isFollowed, ...(signal ? { signal } : {}) }
  const output = await runner.run(observe(engine, scope), options)
  if (output.code !== 0) {
    throw (
      engineFailure(runner, engine, output) ??
      new JijiError('engine.failed', `${runner.server} could not be asked: ${lastLine(output.stderr)}`, {
        server: runner.server,
      })
    )
  }
  return parseObservation(runner.server, output.stdout)
}

/** All servers at once. */
export function observeAll(
  config: Config,
  runners: ReadonlyMap<string, Runner>,
  signal: AbortSignal,
): Promise<Observation[]> {
  const engineOf = (name: string) =>
    config.servers.find(server => server.name === name)?.engine ?? config.builder.engine
  return settled(
    [...runners.values()].map(runner => observeServer(runner, engineOf(runner.server), config.scope, signal)),
  )
}

/** Reads the lines of shell/observe.ts. */
export function parseObservation(server: string, text: string): Observation {
  const lines = text.split('\n').map(line => {
    const space = line.indexOf(' ')
    return space < 0 ? { word: line, rest: '' } : { word: line.slice(0, space), rest: line.slice(space + 1) }
  })
  const all = (word: string) => lines.filter(line => line.word === word).map(({ rest }) => rest)
  const objects = <T>(word: string) => all(word).map(rest => JSON.parse(rest) as T)
  const files = <T>(word: string, keys: readonly (keyof T & string)[]) =>
    all(word).flatMap(rest => parseFile<T>(rest, keys))
  const releases = files<ReleaseRecord>('release', ['id', 'services']).toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const current = all('current')[0]?.trim() || undefined
  return {
    server,
    engine: objects<Observation['engine']>('engine')[0] ?? { version: '', arch: '' },
    proxy: all('proxy')[0],
    rootless: parseRootless(all),
    sites: sitesIn(text),
    markers: new Set(all('live')),
    containers: objects<RawContainer>('container').map(asContainer).map(standingWhere(releases, current)),
    releases,
    current,
    kept: new Map(
      all('kept').map(rest => {
        const [name = '', image = ''] = rest.split(' ')
        return [name, image]
      }),
    ),
    lock: files<LockOwner>('lock', [])[0],
  }
}

/** What projects have told the proxy; what an older jiji wrote names its hosts at least, which must not be given away. */
export function sitesIn(text: string): SiteHeading[] {
  const lines = [...text.matchAll(/^site (.*)$/gm)].map(([, rest = '']) => rest)
  return lines.flatMap(rest => parseFile<SiteHeading>(rest, ['project', 'hosts'])).map(site => ({ ...noMore, ...site }))
}

function parseRootless(all: (word: string) => string[]): Rootless | undefined {
  const [user] = all('rootless')
  if (user === undefined) return undefined
  const [cgroups, ...controllers] = all('limits')[0]?.trim().split(' ') ?? []
  return {
    user,
    firstPort: Number(all('unprivileged')[0]) || 0,
    limits: cgroups === 'v1' || cgroups === 'v2' ? { cgroups, controllers } : undefined,
  }
}

const noMore = { services: [], certificates: {} }

type RawContainer = {
  id: string
  name: string
  labels: Record<string, string> | null
  state: string
  running: boolean
  startedAt: string
  finishedAt: string
  exitCode: number
  restarts: number
  health: string
  isOutOfMemory?: boolean
  checks?: { ExitCode: number; Output: string }[] | null
}

function asContainer(raw: RawContainer): Container {
  const label = (name: string) => raw.labels?.[name] ?? ''
  return {
    id: raw.id,
    name: raw.name.replace(/^\//, ''),
    project: label(labels.project),
    service: label(labels.service),
    release: label(labels.release),
    version: label(labels.version),
    slot: label(labels.slot) === 'b' ? 'b' : 'a',
    replica: Number(label(labels.replica)) || 1,
    image: label(labels.image),
    digest: label(labels.digest),
    hosts: label(labels.hosts)
      .split(' ')
      .filter(host => host !== ''),
    ports: label(labels.ports).split(' ').map(Number).filter(Boolean),
    state: raw.state,
    isRunning: raw.running,
    startedAt: raw.startedAt,
    finishedAt: raw.finishedAt,
    exitCode: raw.exitCode,
    restarts: raw.restarts,
    health: raw.health,
    isOutOfMemory: raw.isOutOfMemory ?? false,
    lastCheck: lastCheckOf(raw.checks ?? []),
  }
}

/**
 * A container's label says where it was made to stand; a rollback that has moved it left that on record, in the release
 * that it made the current one.
 */
function standingWhere(
  releases: readonly ReleaseRecord[],
  current: string | undefined,
): (container: Container) => Container {
  const slots = new Map(
    releases
      .toSorted((a, b) => Number(a.id === current) - Number(b.id === current))
      .flatMap(({ services }) => Object.values(services))
      .flatMap(service => (service.slot ? recordedNames(service).map(name => [name, service.slot] as const) : [])),
  )
  return container => ({ ...container, slot: slots.get(container.name) ?? container.slot })
}

function lastCheckOf(checks: NonNullable<RawContainer['checks']>): string | undefined {
  const last = checks.at(-1)
  return last && (last.Output.trim() || `it ended with status ${last.ExitCode}`)
}

/** A file on the server that a full disk, a power cut or somebody's editor has spoilt is as good as none. */
function parseFile<T>(text: string, keys: readonly string[]): T[] {
  try {
    const value: unknown = JSON.parse(text)
    const isWhole = typeof value === 'object' && value !== null && keys.every(key => key in value)
    return isWhole ? [value as T] : []
  } catch {
    return []
  }
}
