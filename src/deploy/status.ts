import type { Config, Service } from '../config/config.ts'
import type { Selected } from '../config/select.ts'
import { networkOwner } from '../config/shared-network.ts'
import type { JijiError } from '../errors.ts'
import type { Certificate } from './certificates.ts'
import { type Answers, type Health, isWell } from './health.ts'
import { liveOf } from './live.ts'
import type { Container, Observation } from './observe.ts'
import { asItRuns } from './recorded.ts'
import { routesOf } from './routes.ts'
import { replicasOf } from './standing.ts'

export type ServiceStatus = {
  service: string
  server: string
  container?: string
  version?: string
  digest?: string
  /** The engine's word (`running`, `exited`, …), `missing`, or `unreachable` when the server did not say. */
  state: string
  health: 'healthy' | 'unhealthy' | 'starting' | 'unknown' | 'down'
  reason?: string
  since?: string
  routes: string[]
  /** Of its hosts, as far as the proxy has one for them. */
  certificates: Certificate[]
}

/** What is known of the servers: what they said, and why others did not. */
export type Known = {
  observations: readonly Observation[]
  answers?: ReadonlyMap<string, Answers>
  failures?: ReadonlyMap<string, JijiError>
}

/** What each service is doing on each of its servers: one entry for each of its containers there. */
export function statusOf(config: Config, { services }: Selected, known: Known): ServiceStatus[] {
  const { observations, answers, failures } = known
  return services.flatMap(configured =>
    configured.servers.flatMap(server => {
      const failure = failures?.get(server)
      const observation = observations.find(one => one.server === server)
      const service = observation ? asItRuns(observation, config.scope, configured) : configured
      const found = failure
        ? [unreachable(service, server, failure)]
        : observation
          ? statusesOn(config, service, observation, answers?.get(server))
          : []
      const certificates = (answers?.get(server)?.certificates ?? []).filter(({ host }) =>
        service.proxy?.targets.some(({ hosts }) => hosts.some(one => one.toLowerCase() === host)),
      )
      return found.map(one => ({ ...one, routes: routesOf(config, service), certificates }))
    }),
  )
}

type Finding = Omit<ServiceStatus, 'routes' | 'certificates'>

function unreachable({ name }: Service, server: string, { message, exitStatus }: JijiError): Finding {
  const state = exitStatus === 4 ? 'unreachable' : 'unknown'
  return { service: name, server, state, health: 'unknown', reason: message }
}

function statusesOn(
  config: Config,
  service: Service,
  observation: Observation,
  answers: Answers | undefined,
): Finding[] {
  const { scope } = config
  const { server, releases, current } = observation
  const containers = replicasOf(observation, scope, service.name)
  if (containers.length > 0)
    return containers.map(one => {
      const owner = strandedBy(config, service, observation, one)
      return containerStatus(service, observation, one, answers?.healths.get(one.name), owner)
    })
  const recorded = releases.find(({ id }) => id === current)?.services[service.name]?.container
  const wasThere = releases.some(({ services }) => services[service.name])
  const without = wasThere ? 'the current release does not have it' : 'never deployed here'
  const reason = recorded ? `its container ${recorded} is gone` : without
  return [{ service: service.name, server, state: 'missing', health: 'down', reason }]
}

/**
 * The service whose network this container has had, where that has started since: a container that Docker starts again has
 * a new network, and what shares it stays in the old one, which leads nowhere. Podman keeps it.
 */
function strandedBy(
  { servers, builder, scope }: Config,
  service: Service,
  observation: Observation,
  { isRunning, startedAt }: Container,
): string | undefined {
  const owner = networkOwner(service)
  const engine = servers.find(({ name }) => name === observation.server)?.engine ?? builder.engine
  if (owner === undefined || engine !== 'docker' || !isRunning) return undefined
  const its = liveOf(observation, scope, owner).container
  return its && Date.parse(its.startedAt) > Date.parse(startedAt) ? owner : undefined
}

function strandedReason(service: string, owner: string): string {
  return `${owner} has started again, and has another network now: jiji service restart ${service}`
}

function containerStatus(
  service: Service,
  { server, proxy }: Observation,
  container: Container,
  answer: Health | undefined,
  owner: string | undefined,
): Finding {
  const { name, version, digest, state, isRunning, startedAt, finishedAt } = container
  const since = isRunning ? startedAt : finishedAt
  const isCutOff = service.proxy !== undefined && proxy === undefined
  const reason = isCutOff ? 'the proxy does not run' : owner && strandedReason(service.name, owner)
  return {
    service: service.name,
    server,
    container: name,
    version,
    digest,
    state,
    ...(reason ? { health: 'down' as const, reason } : healthOf(container, answer)),
    ...(since.startsWith('0001-') ? {} : { since }), // the year in which an engine has what never was
  }
}

function healthOf(
  { isRunning, exitCode, restarts, health, isOutOfMemory, lastCheck }: Container,
  answer: Health | undefined,
): Pick<ServiceStatus, 'health' | 'reason'> {
  const ending = isOutOfMemory ? `it ran out of memory (status ${exitCode})` : `ended with status ${exitCode}`
  if (!isRunning) return { health: 'down', reason: ending }
  if (restarts > 0)
    return { health: 'unhealthy', reason: `restarted ${restarts} times; the last time it ${ending.replace('it ', '')}` }
  if (health === 'unhealthy')
    return { health, reason: lastCheck ? `its check fails: ${lastCheck}` : "the image's own check fails" }
  if (answer && isWell(answer)) return { health: 'healthy' }
  if (answer) {
    const { path, status } = answer
    return { health: 'unhealthy', reason: status === 0 ? `${path} gave no answer` : `${path} answered ${status}` }
  }
  return { health: health === 'healthy' || health === 'starting' ? health : 'unknown' }
}
