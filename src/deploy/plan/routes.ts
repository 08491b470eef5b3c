import type { Config, Service, Target } from '../../config/config.ts'
import { certificateOf, type OwnCertificates } from '../../config/own-certificates.ts'
import type { Route } from '../../shell/site.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import { serviceNow } from '../recorded.ts'
import type { ReplacementPlan } from './plan.ts'

/** What a plan changes on a server. */
export type Change = {
  observation: Observation
  replacements: readonly ReplacementPlan[]
  /** Containers that are stopped in the end. */
  retire: readonly string[]
  /** A command that has not been given the certificates, as a rollback, goes on with those that are there. */
  certificates?: OwnCertificates | undefined
}

/**
 * The routes of a server when a plan has been carried out: those of the services that are configured there, and of such as
 * go on though they are not. What does not run, and will not, takes no host name from what does.
 */
export function routesAfter(config: Config, services: readonly Service[], change: Change): Route[] {
  const { observation, replacements, retire } = change
  const container = (name: string) => liveOf(observation, config.scope, name).container
  const isWithout = ({ name }: Route) =>
    !container(name)?.isRunning &&
    !replacements.some(({ service }) => service === name) &&
    !servicesIn(config, observation).includes(name)
  const now = routesNow(config, change)
  const all = services.flatMap(({ name, proxy, replicas }) =>
    proxy ? [routeTo(config, { name, targets: proxy.targets, replicas }, change)] : [],
  )
  const routes = all.filter(route => !isWithout(route) || !shareHosts([route], now))
  const goesOn = ({ name }: Route) =>
    container(name)?.isRunning &&
    !services.some(one => one.name === name) &&
    !retire.includes(container(name)?.name ?? '')
  const others = now.filter(route => goesOn(route) && !shareHosts([route], routes))
  return [...routes, ...others]
}

/**
 * The routes that a server has, to what stands there now and to what takes its place. A service that leads to the same as
 * before has the settings of now, as it had when somebody else's deploy wrote the routes last.
 */
export function routesNow(config: Config, change: Change): Route[] {
  const { observation } = change
  const { hosts = [], certificates = {} } = observation.sites.find(({ project }) => project === config.scope) ?? {}
  const isThere = (target: Target) =>
    hostsOf(target).every(host => hosts.includes(host)) &&
    [undefined, ...Object.keys(certificates)].includes(certificateOf(target))
  return servicesIn(config, observation).flatMap(name => {
    const before = serviceNow(config, observation, name)?.proxy?.targets ?? []
    const configured = config.services.find(one => one.name === name && one.servers.includes(observation.server))
    const { targets } = configured?.proxy ?? { targets: [] }
    const led = areAlike(name, before, targets) ? targets : before.filter(isThere)
    const replicas = liveOf(observation, config.scope, name).replicas.length || 1
    return led.length > 0 ? [routeTo(config, { name, targets: led, replicas }, change)] : []
  })
}

function areAlike(name: string, some: readonly Target[], others: readonly Target[]): boolean {
  const ways = (targets: readonly Target[]) => JSON.stringify([...waysOf([{ name, proxy: { targets } }])])
  return ways(some) === ways(others)
}

/**
 * Whether other services get the requests for a host name than until now: the ones that do. Undefined where nothing that
 * runs loses any, but for names that a service gives up itself.
 */
export function takeover(
  config: Config,
  { observation }: Change,
  now: readonly Route[],
  then: readonly Route[],
): string[] | undefined {
  const runs = ({ service }: Way) => liveOf(observation, config.scope, service).container?.isRunning
  const isRouted = ({ service }: Way) => then.some(({ name }) => name === service)
  const after = waysOf(then)
  const changed = [...waysOf(now)].flatMap(([host, before]) => {
    const next = after.get(host) ?? []
    const come = next.filter(one => !before.some(other => isSame(one, other)))
    const go = before.filter(one => !next.some(other => isSame(one, other)))
    const isLed = come.length > 0 || (next.length === 0 && !go.every(isRouted))
    return before.some(runs) && isLed ? [come.map(({ service }) => service)] : []
  })
  return changed.length > 0 ? [...new Set(changed.flat())] : undefined
}

/** What stands in a slot keeps its own ports and number, so that nothing is asked that does not listen there. */
function routeTo(
  { scope }: Config,
  { name, targets, replicas }: Pick<Service, 'name' | 'replicas'> & { targets: readonly Target[] },
  { observation, replacements }: Change,
): Route {
  const live = liveOf(observation, scope, name)
  const candidate = replacements.find(({ service }) => service === name)?.candidate
  const configured = { ports: targets.map(({ app_port }) => app_port), replicas }
  const slots = { a: configured, b: configured }
  if (live.container && live.container.ports.length > 0)
    slots[live.container.slot] = { ports: [...live.container.ports], replicas: live.replicas.length }
  if (candidate?.ports) slots[candidate.slot] = { ports: [...candidate.ports], replicas: candidate.names.length }
  return { name, proxy: { targets }, slots }
}

function servicesIn({ scope }: Config, { sites }: Observation): readonly string[] {
  return sites.find(({ project }) => project === scope)?.services ?? []
}

/** Where requests for a host go: to a service, for what begins so or as a redirect. */
type Way = { service: string; how: string }

function isSame(one: Way, other: Way): boolean {
  return one.service === other.service && one.how === other.how
}

function waysOf(routes: readonly Pick<Route, 'name' | 'proxy'>[]): Map<string, Way[]> {
  const ways = new Map<string, Way[]>()
  for (const { name, proxy } of routes) {
    for (const { hosts, redirect_from, path_prefix = '' } of proxy.targets) {
      const led = hosts.map(host => [host, path_prefix] as const)
      const sentOn = redirect_from.map(host => [host, `to ${hosts[0]}`] as const)
      for (const [host, how] of [...led, ...sentOn])
        ways.set(host.toLowerCase(), [...(ways.get(host.toLowerCase()) ?? []), { service: name, how }])
    }
  }
  return ways
}

function shareHosts(some: readonly Route[], others: readonly Route[]): boolean {
  const taken = waysOf(others)
  return [...waysOf(some).keys()].some(host => taken.has(host))
}

function hostsOf({ hosts, redirect_from }: Target): string[] {
  return [...hosts, ...redirect_from].map(host => host.toLowerCase())
}
