import type { Config, Server, Service } from '../../config/config.ts'
import { certificateOf, type OwnCertificates } from '../../config/own-certificates.ts'
import { JijiError } from '../../errors.ts'
import { proxyLabel } from '../../shell/proxy.ts'
import { type Route, renderSite, type Site } from '../../shell/site.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import type { ReplacementPlan, ServerPlan } from './plan.ts'

/**
 * Whether the proxy must be started and routes written. Routes are those of the whole project on that server, so that
 * deploying one service leaves the others' in place. A command that has not been given the certificates, as a rollback,
 * goes on with those that are there.
 * @throws JijiError port.taken, route.taken
 */
export function proxyPlan(
  config: Config,
  server: Server,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
  own: OwnCertificates = new Map(),
): Pick<ServerPlan, 'proxy' | 'site'> {
  const services = config.services.filter(service => service.servers.includes(server.name))
  const routed = services.flatMap(service => routeOf(config, service, observation, replacements))
  const isRouting = observation.sites.some(({ project, hosts }) => project === config.scope && hosts.length > 0)
  if (routed.length === 0 && !isRouting) return { proxy: 'none' }
  const certificates = certificatesFor(config, server, services, observation, own)
  const where = { scope: config.scope, httpsPort: config.proxy.https_port, certificates }
  const brings = [...own.values()].filter(({ file }) => Object.values(certificates).includes(file))
  const site = renderSite(where, routed, brings)
  checkRoutes(server.name, site, observation)
  const wanted = proxyLabel(config.proxy)
  if (observation.proxy !== undefined && observation.proxy !== wanted) {
    throw new JijiError(
      'port.taken',
      `${server.name}: the proxy runs with other settings: ${observation.proxy} instead of ${wanted}`,
      {
        server: server.name,
        hint: 'all projects on a server share it, and say the same under `proxy`; jiji proxy upgrade gives it these settings',
      },
    )
  }
  const isWritten = observation.sites.some(({ project, hash }) => project === site.project && hash === site.hash)
  return { proxy: observation.proxy === undefined ? 'start' : 'runs', ...(isWritten ? {} : { site }) }
}

// What stands in a slot keeps its own ports and number, so that nothing is asked that does not listen there.
function routeOf(
  config: Config,
  { name, proxy, replicas }: Service,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
): Route[] {
  if (!proxy) return []
  const live = liveOf(observation, config.scope, name)
  const candidate = replacements.find(({ service }) => service === name)?.candidate
  const configured = { ports: proxy.targets.map(({ app_port }) => app_port), replicas }
  const slots = { a: configured, b: configured }
  if (live.container && live.container.ports.length > 0)
    slots[live.container.slot] = { ports: [...live.container.ports], replicas: live.replicas.length }
  if (candidate?.ports) slots[candidate.slot] = { ports: [...candidate.ports], replicas: candidate.names.length }
  return [{ name, proxy, slots }]
}

/** The file of each certificate that the services name: as it is now, else as it is on the server. */
function certificatesFor(
  { scope }: Config,
  { name: server }: Server,
  services: readonly Service[],
  { sites }: Observation,
  own: OwnCertificates,
): Site['certificates'] {
  const names = services.flatMap(({ proxy }) => (proxy?.targets ?? []).flatMap(target => certificateOf(target) ?? []))
  const there = sites.find(({ project }) => project === scope)?.certificates ?? {}
  const files = [...new Set(names)].map(name => {
    const file = own.get(name)?.file ?? there[name]
    if (file) return [name, file] as const
    throw new JijiError('secret.missing', `${server}: the certificate ${name} is not there yet`, {
      server,
      hint: 'jiji deploy brings it there',
    })
  })
  return Object.fromEntries(files)
}

function checkRoutes(server: string, site: Site, { sites }: Observation): void {
  for (const other of sites) {
    const taken = other.project === site.project ? undefined : site.hosts.find(host => other.hosts.includes(host))
    if (!taken) continue
    throw new JijiError('route.taken', `${server}: ${taken} belongs to the project ${other.project}`, {
      server,
      hint: `remove the host name from one of the two, or take ${other.project} away; prefixes are shared out among the services of one project alone`,
    })
  }
}
