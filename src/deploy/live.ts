import { markerName, type Slot } from '../shell/names.ts'
import type { Container, Observation } from './observe.ts'

export type Live = {
  /** The container that serves, or that last did; of several replicas the first. */
  container: Container | undefined
  /** All of them. */
  replicas: readonly Container[]
  /** The slot that requests go to, whether or not anything stands there. */
  slot: Slot | undefined
}

/**
 * Which container is the live one. For a service behind the proxy the marker decides, because that is where requests
 * go; for the others the current release's record, then the newest that runs.
 */
export function liveOf(observation: Observation, scope: string, service: string): Live {
  const own = observation.containers
    .filter(container => container.project === scope && container.service === service)
    .toSorted((a, b) => b.release.localeCompare(a.release) || a.replica - b.replica)
  const record = observation.releases.find(({ id }) => id === observation.current)?.services[service]
  const site = observation.sites.find(({ project, services }) => project === scope && services.includes(service))
  const isRouted = own.some(({ hosts }) => hosts.some(host => site?.hosts.includes(host.toLowerCase())))
  const slot = isRouted ? slotOf(observation, scope, service) : undefined
  const eligible = slot ? own.filter(container => container.slot === slot) : own
  const container =
    eligible.find(({ name, isRunning }) => isRunning && name === record?.container) ??
    eligible.find(({ isRunning }) => isRunning) ??
    eligible.find(({ name }) => name === record?.container)
  const replicas = own.filter(one => one.release === container?.release && one.slot === container.slot)
  return { container: replicas[0], replicas, slot: slot ?? container?.slot }
}

function slotOf(observation: Observation, scope: string, service: string): Slot {
  return observation.markers.has(markerName(scope, service)) ? 'b' : 'a'
}
