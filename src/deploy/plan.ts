import type { Config, Engine, Server, Service } from '../config/config.ts'
import { repositoryOf } from '../config/image-name.ts'
import type { Selected } from '../config/select.ts'
import { JijiError } from '../errors.ts'
import { containerName, otherSlot, type Slot } from '../shell/names.ts'
import { proxyLabel, type Route, renderSite, type Site } from '../shell/proxy.ts'
import type { ReleaseRecord } from '../shell/records.ts'
import { liveOf } from './live.ts'
import type { Container, Observation } from './observe.ts'

/** What a release will change: data, printed by --dry-run, the confirmation and -o json alike. */
export type Plan = {
  schemaVersion: 1
  action: 'deploy' | 'rollback'
  project: string
  environment?: string
  release: string
  version: string
  /** Images to build and push, by service; `platforms` are those that its servers need. */
  builds: readonly { service: string; name: string; platforms: readonly string[] }[]
  servers: readonly ServerPlan[]
}

export type ServerPlan = {
  server: string
  engine: Engine
  /** The release that is on record there now. */
  from?: { release: string; version: string }
  /** Whether the proxy must be started, and whose routes must be written. */
  proxy: 'none' | 'start' | 'runs'
  site?: Site
  replacements: readonly ReplacementPlan[]
  /** Running containers of services that the configuration no longer has here. */
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
  image: string
  candidate: { name: string; slot: Slot; isNew: boolean; port?: number }
  live?: { name: string; slot: Slot; version: string; isRunning: boolean; port?: number }
  /** Of deploys that were cut off: containers that no release knows, and such as should not be running. */
  leftovers: { remove: readonly string[]; stop: readonly string[] }
}

/** The release that comes after all that the servers know of, so that ids sort by age even when clocks differ. */
export function nextRelease(observations: readonly Observation[], now: Date): string {
  const latest = observations
    .flatMap(({ releases, containers }) => [
      ...releases.map(({ id }) => id),
      ...containers.map(({ release }) => release),
    ])
    .toSorted()
    .at(-1)
  const stamp = now
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, '')
    .replace('T', '-')
  if (latest === undefined || stamp > latest) return stamp
  const [day = '', time = '0'] = latest.split('-')
  return `${day}-${String(Number(time) + 1).padStart(6, '0')}`
}

export type DeployRequest = {
  config: Config
  selected: Selected
  observations: readonly Observation[]
  release: string
  version: string
  /** What images are built for unless a server says otherwise. */
  builderArch: string
}

/**
 * @throws JijiError route.taken when another project on a server owns one of our host names
 * @throws JijiError config.invalid when images would be built for another architecture than a server has
 */
export function planDeploy({ config, selected, observations, release, version, builderArch }: DeployRequest): Plan {
  const services = selected.services
  return {
    ...heading('deploy', config, release, version),
    builds: buildsOf(config, selected, version),
    servers: selected.servers.flatMap(server => {
      const observation = observationOf(observations, server)
      const own = services.filter(service => service.servers.includes(server.name))
      const retire = retireOf(config, observation)
      if (own.length === 0 && retire.length === 0) return []
      if (own.some(({ build }) => build)) checkArch(server, observation, builderArch)
      const replacements = own.map(service => replacementOf(config, service, observation, release, version))
      return {
        ...serverPlan(server, observation),
        ...proxyPlan(config, server, observation, replacements),
        replacements,
        retire,
        prune: pruneOf(config, observation, replacements),
      }
    }),
  }
}

/** @throws JijiError rollback.nothing when a server has no earlier release whose containers are all still there */
export function planRollback(config: Config, selected: Selected, observations: readonly Observation[]): Plan {
  const servers = selected.servers.filter(({ name }) => selected.services.some(one => one.servers.includes(name)))
  const targets = servers.map(server => {
    const observation = observationOf(observations, server)
    return { server, observation, target: releaseBefore(observation) }
  })
  const [first] = targets
  if (!first) throw new JijiError('rollback.nothing', 'there is no server to roll back')
  const differing = targets.find(({ target }) => target.id !== first.target.id)
  if (differing) {
    throw new JijiError(
      'rollback.nothing',
      `the servers do not agree on the release before: ${first.server.name} has ${first.target.version}, ${differing.server.name} has ${differing.target.version}`,
      {
        hint: 'choose servers with --hosts',
      },
    )
  }
  const { id, version } = first.target
  return {
    ...heading('rollback', config, id, version),
    builds: [],
    servers: targets.map(({ server, observation, target }) => {
      const replacements = selected.services
        .filter(service => service.servers.includes(server.name) && target.services[service.name])
        .flatMap(service => restartOf(config, service, observation, target))
      return {
        ...serverPlan(server, observation),
        ...proxyPlan(config, server, observation, replacements),
        replacements,
        retire: [],
        prune: { containers: [], images: [], releases: [], keep: [] },
      }
    }),
  }
}

function checkArch(server: Server, { engine }: Observation, builderArch: string): void {
  const actual = engine.arch.replace(/^linux\//, '')
  const built = server.arch ?? builderArch
  if (actual === '' || actual === built) return
  throw new JijiError('config.invalid', `${server.name} is ${actual}, and its images would be built for ${built}`, {
    server: server.name,
    hint: `write servers.${server.name}.arch: ${actual}`,
  })
}

function heading(action: Plan['action'], config: Config, release: string, version: string) {
  const { project, environment } = config
  return { schemaVersion: 1 as const, action, project, ...(environment ? { environment } : {}), release, version }
}

/** What must be built, which is known before any server has been asked. */
export function buildsOf(config: Config, { services }: Selected, version: string): Plan['builds'] {
  return services.flatMap(service => (service.build ? [buildOf(config, service, version)] : []))
}

function buildOf(config: Config, service: Service, version: string): Plan['builds'][number] {
  const archs = new Set(config.servers.filter(({ name }) => service.servers.includes(name)).map(({ arch }) => arch))
  const platforms = [...archs].map(arch => (arch ? `linux/${arch}` : ''))
  return { service: service.name, name: imageName(config, service, version), platforms }
}

/** The full name that a service's image has everywhere. */
export function imageName(config: Config, service: Service, version: string): string {
  return service.image ?? `${repositoryOf(config.builder.registry, config.project, service.name)}:${version}`
}

function serverPlan(
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

// Routes are those of the whole project on that server, so that deploying one service leaves the others' in place.
function proxyPlan(
  config: Config,
  server: Server,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
): Pick<ServerPlan, 'proxy' | 'site'> {
  const routed = config.services
    .filter(service => service.servers.includes(server.name))
    .flatMap(service => routeOf(config, service, observation, replacements))
  const isRouting = observation.sites.some(({ project, hosts }) => project === config.scope && hosts.length > 0)
  if (routed.length === 0 && !isRouting) return { proxy: 'none' }
  const site = renderSite(config.scope, routed)
  checkRoutes(server.name, site, observation)
  const wanted = proxyLabel(config.proxy)
  if (observation.proxy !== undefined && observation.proxy !== wanted) {
    throw new JijiError(
      'port.taken',
      `${server.name}: the proxy runs with other settings: ${observation.proxy} instead of ${wanted}`,
      {
        server: server.name,
        hint: 'the proxy is shared by all projects on a server: give `proxy` the same image and ports in each of them',
      },
    )
  }
  const isWritten = observation.sites.some(({ project, hash }) => project === site.project && hash === site.hash)
  return { proxy: observation.proxy === undefined ? 'start' : 'runs', ...(isWritten ? {} : { site }) }
}

// What stands in a slot keeps its own port, so that a changed one reaches nothing that does not listen there.
function routeOf(
  config: Config,
  { name, proxy }: Service,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
): Route[] {
  if (!proxy) return []
  const { container } = liveOf(observation, config.scope, name)
  const candidate = replacements.find(({ service }) => service === name)?.candidate
  const ports = { a: proxy.app_port, b: proxy.app_port }
  if (container?.port) ports[container.slot] = container.port
  if (candidate?.port) ports[candidate.slot] = candidate.port
  return [{ name, proxy, ports }]
}

function checkRoutes(server: string, site: Site, { sites }: Observation): void {
  for (const other of sites) {
    const taken = other.project === site.project ? undefined : site.hosts.find(host => other.hosts.includes(host))
    if (!taken) continue
    throw new JijiError('route.taken', `${server}: ${taken} belongs to the project ${other.project}`, {
      server,
      hint: `remove the host name from one of the two, or take ${other.project} away`,
    })
  }
}

function replacementOf(
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

function restartOf(
  config: Config,
  service: Service,
  observation: Observation,
  target: ReleaseRecord,
): ReplacementPlan[] {
  const { container } = liveOf(observation, config.scope, service.name)
  const wanted = observation.containers.find(({ name }) => name === target.services[service.name]?.container)
  if (!wanted || wanted.name === container?.name) return []
  if (service.proxy && wanted.slot === container?.slot) {
    throw new JijiError(
      'rollback.nothing',
      `${observation.server}: ${wanted.name} stands where ${container.name} does`,
      {
        server: observation.server,
        hint: `deploy that version again: jiji deploy --version ${target.version}`,
      },
    )
  }
  return [
    {
      service: service.name,
      image: wanted.image,
      candidate: { name: wanted.name, slot: wanted.slot, isNew: false, ...(wanted.port ? { port: wanted.port } : {}) },
      ...(container ? { live: liveContainer(container) } : {}),
      leftovers: { remove: [], stop: [] },
    },
  ]
}

function liveContainer({ name, slot, version, isRunning, port }: Container): NonNullable<ReplacementPlan['live']> {
  return { name, slot, version, isRunning, ...(port ? { port } : {}) }
}

/** The newest release before the current one that this server still has every container of. */
function releaseBefore({ server, releases, current, containers }: Observation): ReleaseRecord {
  const names = new Set(containers.map(({ name }) => name))
  const earlier = releases.filter(({ id }) => current !== undefined && id < current)
  const found = earlier.find(({ services }) => Object.values(services).every(({ container }) => names.has(container)))
  if (found) return found
  throw new JijiError('rollback.nothing', `${server}: there is no release before the current one to go back to`, {
    server,
    hint:
      earlier.length > 0
        ? 'the containers of the earlier ones are gone; deploy that version again'
        : 'this was the first one',
  })
}

function retireOf(config: Config, { server, containers }: Observation): string[] {
  const here = new Set(config.services.filter(({ servers }) => servers.includes(server)).map(({ name }) => name))
  return containers
    .filter(({ project, service, isRunning }) => project === config.scope && isRunning && !here.has(service))
    .map(({ name }) => name)
}

function pruneOf(
  config: Config,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
): ServerPlan['prune'] {
  // Releases after the current one were rolled back: they are no way back from the next.
  const { current = '' } = observation
  const kept = observation.releases.filter(({ id }) => id <= current).slice(0, config.deploy.retain - 1)
  const replaced = new Set(replacements.map(({ service }) => service))
  const used = new Set([
    ...kept.flatMap(({ services }) => Object.values(services).map(({ container }) => container)),
    ...config.services
      .filter(({ name, servers }) => servers.includes(observation.server) && !replaced.has(name))
      .flatMap(({ name }) => liveOf(observation, config.scope, name).container?.name ?? []),
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

function observationOf(observations: readonly Observation[], { name }: Server): Observation {
  const found = observations.find(({ server }) => server === name)
  if (!found) throw new Error(`${name} was not observed`)
  return found
}
