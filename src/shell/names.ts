import { type Script, sh } from './script.ts'

/** The names by which things on a server are known to be ours. */

export const network = 'jiji'
export const proxyContainer = 'jiji-proxy'
export const registryContainer = 'jiji-registry'
export const registryVolume = 'jiji-registry'

export const labels = {
  project: 'jiji.project',
  service: 'jiji.service',
  release: 'jiji.release',
  version: 'jiji.version',
  slot: 'jiji.slot',
  replica: 'jiji.replica',
  image: 'jiji.image',
  digest: 'jiji.digest',
  hosts: 'jiji.hosts',
  ports: 'jiji.ports',
  proxy: 'jiji.proxy',
  registry: 'jiji.registry',
  run: 'jiji.run',
}

/**
 * A service has two places, so that the old and the new container can stand side by side while the proxy's
 * configuration stays as it is.
 */
export type Slot = 'a' | 'b'

export function otherSlot(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a'
}

/** The DNS name of a replica in a slot on the proxy's network. */
export function slotName(scope: string, service: string, slot: Slot, replica = 1): string {
  return numbered(`${scope}-${service}-${slot}`, replica)
}

/**
 * The DNS name of a service on a server's network, for the other services there: all of its containers have it, whatever
 * slot they stand in. No other name of ours has a dot.
 */
export function stableName(scope: string, service: string): string {
  return `${service}.${scope}.jiji`
}

/** The name of the first replica. */
export function containerName(scope: string, service: string, release: string): string {
  return `${scope}-${service}-${release}`
}

/** The names of all replicas, the first one's given. */
export function replicaNames(first: string, replicas: number): string[] {
  return Array.from({ length: replicas }, (_, index) => numbered(first, index + 1))
}

function numbered(name: string, replica: number): string {
  return replica === 1 ? name : `${name}-${replica}`
}

/** The file whose presence says that slot b is live, relative to the proxy's folder of markers. */
export function markerName(scope: string, service: string): string {
  return `${scope}/${service}.b`
}

/** Sets `$state`, the folder for a project's records: the machine's if this user may write there, else the user's. */
export function stateFolder(scope: string): Script {
  return sh`state=/var/lib/jiji
[ "$(id -u)" = 0 ] || [ -w "$state" ] || state=\${XDG_STATE_HOME:-$HOME/.local/state}/jiji
state=$state/${scope}`
}
