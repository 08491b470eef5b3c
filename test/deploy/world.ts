import type { Config, Service } from '../../src/config/config.ts'
import { type Selection, select } from '../../src/config/select.ts'
import { type Container, type Observation, parseObservation } from '../../src/deploy/observe.ts'
import { type DeployRequest, planDeploy } from '../../src/deploy/plan/deploy.ts'
import type { Plan } from '../../src/deploy/plan/plan.ts'
import type { ReleaseRecord } from '../../src/shell/records.ts'
import { renderSite, type SiteHeading } from '../../src/shell/site.ts'
import { configOf } from '../config/deploy-yml.ts'

/** Two servers, a service behind the proxy on both, one without it on the first. */
export const twoServers = `project: app
servers: {web1: {host: a}, web2: {host: b}}
services:
  web:
    image: web
    hosts: [web1, web2]
    proxy: {app_port: 3000, hosts: [app.example.com]}
  worker: {image: worker, hosts: [web1]}
`

type Standing = Partial<Omit<Container, 'hosts' | 'labels' | 'ports'>> & {
  service: string
  hosts?: string
  ports?: string
  checks?: { ExitCode: number; Output: string }[]
}

/** A container as the engine's inspection gives it, in one line. */
export function containerLine(one: Standing): string {
  const { service, project = 'app', release = 'r1', slot = 'a', name = `${project}-${service}-${release}` } = one
  const { isRunning = true, state = isRunning ? 'running' : 'exited', exitCode = 0, restarts = 0, health = '' } = one
  const { replica = 1, version = release, image = `${service}:${version}`, digest = 'sha256:0', hosts = '' } = one
  return JSON.stringify({
    id: `id-${name}`,
    name,
    labels: {
      'jiji.project': project,
      'jiji.service': service,
      'jiji.release': release,
      'jiji.version': version,
      'jiji.slot': slot,
      'jiji.replica': String(replica),
      'jiji.image': image,
      'jiji.digest': digest,
      'jiji.hosts': hosts,
      'jiji.ports': one.ports ?? '',
    },
    state,
    running: isRunning,
    startedAt: one.startedAt ?? '2026-01-01T00:00:00Z',
    finishedAt: one.finishedAt ?? '2026-01-01T01:00:00Z',
    exitCode,
    restarts,
    health,
    isOutOfMemory: one.isOutOfMemory ?? false,
    checks: one.checks ?? null,
  })
}

type Situation = {
  server?: string
  containers?: readonly Standing[]
  /** Releases by id, each with its containers by service. */
  releases?: Readonly<Record<string, Readonly<Record<string, string>>>>
  current?: string
  /** Services whose slot b is live. */
  live?: readonly string[]
  proxy?: string | undefined
  sites?: Observation['sites']
  arch?: string
  /** Lines on a Podman whose user is not root. */
  rootless?: readonly string[]
}

/** What a server would have said of itself. */
export function observed(situation: Situation = {}): Observation {
  const { server = 'web1', containers = [], releases = {}, current, live = [], sites = [], arch = 'amd64' } = situation
  const { rootless = [] } = situation
  const proxy = 'proxy' in situation ? situation.proxy : 'caddy:2 80 443'
  const lines = [
    `engine {"version":"27","arch":"${arch}"}`,
    ...rootless,
    ...(proxy === undefined ? [] : [`proxy ${proxy}`]),
    ...sites.map(site => `site ${JSON.stringify(site)}`),
    ...live.map(service => `live app/${service}.b`),
    ...containers.map(one => `container ${containerLine(one)}`),
    ...Object.entries(releases).map(([id, services]) => `release ${JSON.stringify(recordOf(id, services))}`),
    ...(current === undefined ? [] : [`current ${current}`]),
  ]
  return parseObservation(server, lines.join('\n'))
}

/** The words of a server that is as it was observed. */
export function saidBy({ proxy, sites, markers, containers, releases, current }: Observation): string {
  return [
    'engine {"version":"27","arch":"amd64"}',
    ...(proxy === undefined ? [] : [`proxy ${proxy}`]),
    ...sites.map(site => `site ${JSON.stringify(site)}`),
    ...[...markers].map(marker => `live ${marker}`),
    ...containers.map(
      one => `container ${containerLine({ ...one, hosts: one.hosts.join(' '), ports: one.ports.join(' ') })}`,
    ),
    ...releases.map(release => `release ${JSON.stringify(release)}`),
    ...(current === undefined ? [] : [`current ${current}`]),
  ].join('\n')
}

function recordOf(id: string, services: Readonly<Record<string, string>>): ReleaseRecord {
  const entries = Object.entries(services).map(([service, container]) => [
    service,
    { image: `${service}:${id}`, digest: `sha256:${id}`, container },
  ])
  return { schemaVersion: 1, id, version: id, at: 'then', by: 'me', services: Object.fromEntries(entries) }
}

/** The site file that a configuration leads to on a server. */
export function siteOf(config: Config, server = 'web1', certificates: Record<string, string> = {}): SiteHeading {
  const routes = config.services
    .filter(({ servers }) => servers.includes(server))
    .flatMap(({ name, proxy }) => {
      if (!proxy) return []
      const slot = { ports: proxy.targets.map(({ app_port }) => app_port), replicas: 1 }
      return [{ name, proxy, slots: { a: slot, b: slot } }]
    })
  const { text, brings, ...heading } = renderSite({ scope: config.scope, httpsPort: 443, certificates }, routes)
  return heading
}

export function planFor(
  config: Config,
  observations: readonly Observation[],
  { selection = {}, ...request }: Partial<DeployRequest> & { selection?: Selection } = {},
): Plan {
  return planDeploy({
    config,
    selected: select(config, selection),
    observations,
    release: 'r9',
    version: '9',
    builderArch: 'amd64',
    ...request,
  })
}

export function serviceIn(config: Config, name: string): Service {
  const service = config.services.find(one => one.name === name)
  if (!service) throw new Error(`there is no ${name}`)
  return service
}

export const config = configOf(twoServers)
