import type { Config, Server, Service } from '../../config/config.ts'
import { JijiError } from '../../errors.ts'
import { proxyLabel, type Route, renderSite, type Site } from '../../shell/proxy.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import type { ReplacementPlan, ServerPlan } from './plan.ts'

/**
 * Whether the proxy must be started and routes written. Routes are those of the whole project on that server, so that
 * deploying one service leaves the others' in place.
 * @throws JijiError port.taken, route.taken
 */
export function proxyPlan(
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

// What stands in a slot keeps its own port and number, so that nothing is asked that does not listen there.
function routeOf(
  config: Config,
  { name, proxy, replicas }: Service,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
): Route[] {
  if (!proxy) return []
  const live = liveOf(observation, config.scope, name)
  const candidate = replacements.find(({ service }) => service === name)?.candidate
  const configured = { port: proxy.app_port, replicas }
  const slots = { a: configured, b: configured }
  if (live.container?.port) slots[live.container.slot] = { port: live.container.port, replicas: live.replicas.length }
  if (candidate?.port) slots[candidate.slot] = { port: candidate.port, replicas: candidate.names.length }
  return [{ name, proxy, slots }]
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
