import type { Config, Server, Service } from '../../config/config.ts'
import { certificateOf, type OwnCertificates } from '../../config/own-certificates.ts'
import { JijiError } from '../../errors.ts'
import { proxyLabel } from '../../shell/proxy.ts'
import { type Route, renderSite, type Site } from '../../shell/site.ts'
import type { Observation } from '../observe.ts'
import type { ServerPlan } from './plan.ts'
import { type Change, routesAfter, routesNow, takeover } from './routes.ts'

/**
 * Whether the proxy must be started and routes written. Routes are those of the whole project on that server, so that
 * deploying one service leaves the others' in place. Requests that other services are to get go to what has them now until
 * those run.
 * @throws JijiError port.taken, route.taken
 */
export function proxyPlan(
  config: Config,
  server: Server,
  change: Change,
): Pick<ServerPlan, 'proxy' | 'site' | 'handover'> {
  const { observation, replacements } = change
  const after = siteAfter(config, server, change)
  if (!after) return { proxy: 'none' }
  checkSettings(config, server.name, observation)
  if (observation.proxy === undefined) return { proxy: 'start', ...unlessWritten(observation, after) }
  const { now, takers } = siteMeanwhile(config, server, change)
  if (!now) return { proxy: 'runs', ...unlessWritten(observation, after) }
  const services = replacements.map(({ service }) => service).filter(name => takers.includes(name))
  return { proxy: 'runs', ...unlessWritten(observation, now), handover: { services, site: after } }
}

/**
 * The routes that a server has in the end; undefined where there are none, and were none.
 * @throws JijiError route.taken
 */
export function siteAfter(config: Config, server: Server, change: Change): Site | undefined {
  const { observation } = change
  const routes = routesAfter(config, servicesOn(config, server), change)
  const isRouting = observation.sites.some(({ project, hosts }) => project === config.scope && hosts.length > 0)
  if (routes.length === 0 && !isRouting) return undefined
  const site = siteWith(config, server, change, routes)
  checkRoutes(server.name, site, observation)
  return site
}

/** The routes until others get the requests, and those others; none where nobody does. */
function siteMeanwhile(config: Config, server: Server, change: Change): { now?: Site; takers: readonly string[] } {
  const now = routesNow(config, change)
  const takers = takeover(config, change, now, routesAfter(config, servicesOn(config, server), change))
  return takers ? { now: siteWith(config, server, change, now), takers } : { takers: [] }
}

function siteWith(config: Config, server: Server, change: Change, routes: readonly Route[]): Site {
  const { observation, certificates: own = new Map() } = change
  const certificates = certificatesFor(config, server, routes, observation, own)
  const brings = [...own.values()].filter(({ file }) => Object.values(certificates).includes(file))
  return renderSite({ scope: config.scope, httpsPort: config.proxy.https_port, certificates }, routes, brings)
}

/** What of a site is still to be written. */
export function unlessWritten({ sites }: Observation, site: Site): Pick<ServerPlan, 'site'> {
  return sites.some(({ project, hash }) => project === site.project && hash === site.hash) ? {} : { site }
}

function servicesOn({ services }: Config, { name }: Server): Service[] {
  return services.filter(({ servers }) => servers.includes(name))
}

/** @throws JijiError port.taken */
function checkSettings(config: Config, server: string, { proxy }: Observation): void {
  const wanted = proxyLabel(config.proxy)
  if (proxy === undefined || proxy === wanted) return
  throw new JijiError('port.taken', `${server}: the proxy runs with other settings: ${proxy} instead of ${wanted}`, {
    server,
    hint: 'all projects on a server share it, and say the same under `proxy`; jiji proxy upgrade gives it these settings',
  })
}

/** The file of each certificate that the services name: as it is now, else as it is on the server. */
function certificatesFor(
  { scope }: Config,
  { name: server }: Server,
  routes: readonly Route[],
  { sites }: Observation,
  own: OwnCertificates,
): Site['certificates'] {
  const names = routes.flatMap(({ proxy }) => proxy.targets.flatMap(target => certificateOf(target) ?? []))
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
