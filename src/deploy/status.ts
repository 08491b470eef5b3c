import type { Config, Service } from '../config/config.ts'
import type { Selected } from '../config/select.ts'
import { liveOf } from './live.ts'
import type { Container, Observation } from './observe.ts'

export type ServiceStatus = {
  service: string
  server: string
  version?: string
  digest?: string
  /** The engine's word (`running`, `exited`, …), or `missing`. */
  state: string
  health: 'healthy' | 'unhealthy' | 'starting' | 'unknown' | 'down'
  reason?: string
  since?: string
  routes: string[]
}

/** What each service is doing on each of its servers that could be asked. */
export function statusOf(
  config: Config,
  { services }: Selected,
  observations: readonly Observation[],
): ServiceStatus[] {
  return services.flatMap(service =>
    observations
      .filter(({ server }) => service.servers.includes(server))
      .map(observation =>
        serviceStatus(service, observation, liveOf(observation, config.scope, service.name).container),
      ),
  )
}

function serviceStatus(
  service: Service,
  { server, proxy, releases, current }: Observation,
  container: Container | undefined,
): ServiceStatus {
  const routes = (service.proxy?.hosts ?? []).map(host => `${service.proxy?.ssl ? 'https' : 'http'}://${host}`)
  if (!container) {
    const recorded = releases.find(({ id }) => id === current)?.services[service.name]?.container
    const reason = recorded ? `its container ${recorded} is gone` : 'never deployed here'
    return { service: service.name, server, state: 'missing', health: 'down', reason, routes }
  }
  const { version, digest, state, isRunning, startedAt, finishedAt } = container
  const isCutOff = service.proxy !== undefined && proxy === undefined
  return {
    service: service.name,
    server,
    version,
    digest,
    state,
    ...(isCutOff ? { health: 'down' as const, reason: 'the proxy does not run' } : healthOf(container)),
    since: isRunning ? startedAt : finishedAt,
    routes,
  }
}

function healthOf({ isRunning, exitCode, restarts, health }: Container): Pick<ServiceStatus, 'health' | 'reason'> {
  if (!isRunning) return { health: 'down', reason: `ended with status ${exitCode}` }
  if (restarts > 0) return { health: 'unhealthy', reason: `restarted ${restarts} times` }
  if (health === 'unhealthy') return { health, reason: "the image's own check fails" }
  return { health: health === 'healthy' || health === 'starting' ? health : 'unknown' }
}
