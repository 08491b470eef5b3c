import type { Config, Server, Service } from '../../config/config.ts'
import { JijiError } from '../../errors.ts'
import type { ReleaseRecord } from '../../shell/records.ts'
import type { Observation } from '../observe.ts'
import { sharersOf, withReturning } from '../recorded.ts'
import { heading, observationOf, type Plan, type ServerPlan, serverPlan } from './plan.ts'
import { proxyPlan } from './proxy.ts'
import { checkRootless } from './rootless.ts'
import { withRounds } from './rounds.ts'
import { withOwners } from './sharing.ts'
import { disagreement, targetOf } from './target.ts'
import { obstacleTo, type RollbackRequest, returnOf, servicesOf, serviceThen, whyApart } from './way-back.ts'

/**
 * Each server goes to what it has on record of a release: its services with their own configuration, and no others.
 * @throws JijiError rollback.nothing, route.taken, port.taken
 */
export function planRollback(request: RollbackRequest): Plan {
  const { config, observations } = request
  const targets = serversOf(request).map(server => {
    const observation = observationOf(observations, server)
    return { server, observation, target: targetOf(request, observation) }
  })
  const [first] = targets
  if (!first) throw new JijiError('rollback.nothing', 'there is no server to roll back')
  const differing = targets.find(({ target }) => target.id !== first.target.id)
  if (differing) throw disagreement(request, first, differing)
  const { id, version } = first.target
  const servers = targets.map(({ server, observation, target }) => planReturn(request, server, observation, target))
  return withRounds(withReturning({ config, observations }, { servers }), {
    ...heading('rollback', config, id, version),
    builds: [],
    servers,
  })
}

/** Those that have, or had, anything to do with it. */
export function serversOf({ selected, observations }: RollbackRequest): Server[] {
  return selected.servers.filter(
    server =>
      selected.services.some(({ servers }) => servers.includes(server.name)) ||
      observationOf(observations, server).current !== undefined,
  )
}

/** @throws JijiError rollback.nothing when a service cannot come back, route.taken, port.taken */
export function planReturn(
  request: RollbackRequest,
  server: Server,
  observation: Observation,
  target: ReleaseRecord,
): ServerPlan {
  const { config, isPartial } = request
  const { scope } = config
  const names = inOrder(
    config,
    servicesOf(request, server.name, target).map(([name]) => name),
  )
  const hint = 'jiji rollback --list shows which releases can be gone back to'
  if (names.length === 0 && isPartial) {
    const missing = request.selected.services.map(({ name }) => name).join(', ')
    throw new JijiError('rollback.nothing', `${server.name}: ${target.version} has no ${missing}`, { hint })
  }
  const obstacle = obstacleTo(request, observation, target) ?? whyApart(request, observation, target)
  if (obstacle) {
    const message = `${server.name}: ${target.version} cannot come back: ${obstacle}`
    throw new JijiError('rollback.nothing', message, { server: server.name, hint })
  }
  const each = names.flatMap(name => returnOf(config, observation, target, name))
  const services = servicesAfter(request, observation, target, names)
  const lost = names.flatMap(name => sharersOf(request, observation, name)).map(({ service }) => service.name)
  const goes = ({ project, service, isRunning }: Observation['containers'][number]) =>
    project === scope && isRunning && !target.services[service] && (!isPartial || lost.includes(service))
  const retire = observation.containers.filter(goes).map(({ name }) => name)
  const serviceOf = (name: string) => serviceThen(config, server.name, target, name)
  const replacements = withOwners(config, observation, each, { serviceOf, retire })
  const proxy = proxyPlan({ ...config, services }, server, { observation, replacements, retire })
  const coming = services.filter(({ name }) => replacements.some(({ service }) => service === name))
  checkRootless(config, server, observation, coming, proxy)
  return {
    ...serverPlan(server, observation),
    ...proxy,
    replacements,
    retire,
    prune: { containers: [], images: [], releases: [], keep: [] },
  }
}

/** What a server runs when it is done, as far as anything is known of it: it says which routes there are. */
function servicesAfter(
  { config, isPartial }: RollbackRequest,
  { server, releases, current }: Observation,
  target: ReleaseRecord,
  names: readonly string[],
): Service[] {
  const now = releases.find(({ id }) => id === current)
  const others = config.services.filter(one => one.servers.includes(server)).map(({ name }) => name)
  return inOrder(config, isPartial ? [...new Set([...names, ...others])] : names).flatMap(
    name => serviceThen(config, server, names.includes(name) ? target : now, name) ?? [],
  )
}

/** That of the configuration. */
function inOrder({ services }: Config, names: readonly string[]): string[] {
  const place = new Map(services.map(({ name }, index) => [name, index]))
  const last = services.length
  return names.toSorted((a, b) => (place.get(a) ?? last) - (place.get(b) ?? last))
}
