import type { Config, Service } from '../config/config.ts'
import type { Selected } from '../config/select.ts'
import type { Answers } from './health.ts'
import { liveOf } from './live.ts'
import type { Container, Observation } from './observe.ts'
import { routesOf } from './routes.ts'

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

/** What each service is doing on each of its servers that could be asked, with its answers by server. */
export function statusOf(
  config: Config,
  { services }: Selected,
  observations: readonly Observation[],
  answers: ReadonlyMap<string, Answers> = new Map(),
): ServiceStatus[] {
  return services.flatMap(service =>
    observations
      .filter(({ server }) => service.servers.includes(server))
      .map(observation => ({
        ...serviceStatus(
          service,
          observation,
          liveOf(observation, config.scope, service.name).container,
          answers.get(observation.server)?.get(service.name),
        ),
        routes: routesOf(config, service),
      })),
  )
}

function serviceStatus(
  service: Service,
  { server, proxy, releases, current }: Observation,
  container: Container | undefined,
  answer: number | undefined,
): Omit<ServiceStatus, 'routes'> {
  if (!container) {
    const recorded = releases.find(({ id }) => id === current)?.services[service.name]?.container
    const reason = recorded ? `its container ${recorded} is gone` : 'never deployed here'
    return { service: service.name, server, state: 'missing', health: 'down', reason }
  }
  const { version, digest, state, isRunning, startedAt, finishedAt } = container
  const isCutOff = service.proxy !== undefined && proxy === undefined
  return {
    service: service.name,
    server,
    version,
    digest,
    state,
    ...(isCutOff
      ? { health: 'down' as const, reason: 'the proxy does not run' }
      : healthOf(container, service, answer)),
    since: isRunning ? startedAt : finishedAt,
  }
}

function healthOf(
  { isRunning, exitCode, restarts, health }: Container,
  { proxy }: Service,
  answer: number | undefined,
): Pick<ServiceStatus, 'health' | 'reason'> {
  if (!isRunning) return { health: 'down', reason: `ended with status ${exitCode}` }
  if (restarts > 0) return { health: 'unhealthy', reason: `restarted ${restarts} times` }
  if (health === 'unhealthy') return { health, reason: "the image's own check fails" }
  if (answer !== undefined && answer >= 200 && answer < 400) return { health: 'healthy' }
  if (answer !== undefined) {
    const path = proxy?.healthcheck.path
    return { health: 'unhealthy', reason: answer === 0 ? `${path} gave no answer` : `${path} answered ${answer}` }
  }
  return { health: health === 'healthy' || health === 'starting' ? health : 'unknown' }
}
