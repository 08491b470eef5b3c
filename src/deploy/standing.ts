import { liveOf } from './live.ts'
import type { Container, Observation } from './observe.ts'

/** The containers that a service runs in: all of the live one's release that run, or the one that last did. */
export function replicasOf(observation: Observation, scope: string, service: string): Container[] {
  const { container, replicas } = liveOf(observation, scope, service)
  const running = replicas.filter(({ isRunning }) => isRunning)
  return running.length > 0 || !container ? running : [container]
}

/** Those that ran before the live ones: of the release whose container was the last to end. */
export function previousOf(observation: Observation, scope: string, service: string): Container[] {
  const live = liveOf(observation, scope, service).container?.release
  const [last] = of(observation, scope, service)
    .filter(({ release, isRunning }) => release !== live && !isRunning)
    .toSorted((a, b) => Date.parse(b.finishedAt) - Date.parse(a.finishedAt))
  return last ? ofRelease(observation, scope, service, last.release) : []
}

/** Everything of a service that runs, a new release that has only just been started included. */
export function runningOf(observation: Observation, scope: string, service: string): Container[] {
  return of(observation, scope, service).filter(({ isRunning }) => isRunning)
}

/** Names for containers: the service's, and a number where several of one release run side by side. */
export function titlesOf(containers: readonly Container[]): Map<string, string> {
  return new Map(
    containers.map(({ name, service, release }) => {
      const beside = containers.filter(one => one.service === service && one.release === release)
      const number = beside.findIndex(one => one.name === name) + 1
      return [name, beside.length > 1 ? `${service}.${number}` : service]
    }),
  )
}

function ofRelease(observation: Observation, scope: string, service: string, release: string): Container[] {
  return of(observation, scope, service).filter(one => one.release === release)
}

function of({ containers }: Observation, scope: string, service: string): Container[] {
  return containers
    .filter(one => one.project === scope && one.service === service)
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}
