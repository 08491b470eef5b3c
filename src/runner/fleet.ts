import { JijiError } from '../errors.ts'
import type { ConnectOptions } from './connect-options.ts'
import { sharedJumpHosts } from './jump-hosts.ts'
import { localRunner } from './local.ts'
import type { Runner } from './runner.ts'
import { slots } from './slots.ts'
import { connectSsh } from './ssh.ts'
import type { SshTarget } from './ssh-target.ts'
import { describeStrangers, type Stranger } from './strangers.ts'

/** Where a server is: this machine itself, or behind ssh. */
export type Place = { kind: 'local'; server: string } | ({ kind: 'ssh' } & SshTarget)

/** What could be connected to, by the servers' names, and why the others could not. */
export type Fleet = { runners: Map<string, Runner>; failures: JijiError[] }

export type FleetOptions = ConnectOptions & {
  /** How many connect at the same time. */
  limit?: number
  /** Called at once where one cannot be connected to while others still are on the way. */
  onFailure?: (failure: JijiError) => void
  connect?: (place: Place, options: ConnectOptions) => Promise<Runner>
}

/** Connects to all servers at once, and closes all connections at the end, come what may. */
export async function withFleet<T>(
  places: readonly Place[],
  options: FleetOptions,
  use: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const fleet = await connectFleet(places, options)
  try {
    return await use(fleet)
  } finally {
    await closeAll(fleet.runners.values())
  }
}

/** @returns a fleet in the order of `places`; the caller closes its runners */
export async function connectFleet(
  places: readonly Place[],
  { limit = 30, onFailure, connect = connectPlace, ...given }: FleetOptions = {},
): Promise<Fleet> {
  const met: Stranger[] = []
  const options = { jumpHosts: sharedJumpHosts(), met: (one: Stranger) => void met.push(one), ...given }
  const { use } = slots(limit)
  let left = places.length
  const connectTo = async (place: Place) => {
    try {
      return await connect(place, options)
    } catch (error) {
      if (left > 1 && error instanceof JijiError && !options.signal?.aborted) onFailure?.(error)
      throw error
    } finally {
      left -= 1
    }
  }
  const results = await Promise.allSettled(places.map(place => use(() => connectTo(place))))
  for (const { text, server } of describeStrangers(met)) given.warn?.(text, server)

  const runners = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const errors: unknown[] = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  const failures = errors.filter(error => error instanceof JijiError && error !== options.signal?.reason)
  if (failures.length < errors.length) {
    await closeAll(runners)
    throw errors.find(error => !failures.includes(error))
  }
  return { runners: new Map(runners.map(runner => [runner.server, runner])), failures: failures as JijiError[] }
}

export async function connectPlace(place: Place, options: ConnectOptions): Promise<Runner> {
  return place.kind === 'local' ? localRunner(place.server) : connectSsh(place, options)
}

async function closeAll(runners: Iterable<Runner>): Promise<void> {
  await Promise.all([...runners].map(runner => runner.close()))
}
