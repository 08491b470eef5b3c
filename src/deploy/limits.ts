import { healthLimit } from '../shell/health.ts'
import type { Replacement } from '../shell/replace.ts'

/** Milliseconds after which a server that still says nothing is given up: each many times what the work takes. */
export const limits = {
  ask: 60_000,
  /** What has the port that a tunnel wanted. */
  neighbour: 1000,
  /** The proxy's image may have to be fetched. */
  proxy: 10 * 60_000,
  pull: 30 * 60_000,
  record: 2 * 60_000,
  /** For a package manager to come to an end once nobody wants it to go on. */
  install: 10 * 60_000,
  /** For a server that was reached a moment ago. */
  reconnect: 60_000,
  /** For the local registry to be there again, once it has refused a connection. */
  restart: 5_000,
  /** Between two looks at the connections through a tunnel. */
  look: 1_000,
  /** Looks after which a connection on which nothing moves stalls. */
  stall: 15,
  /** Looks after which even a server that is alive is not waited for any more. */
  stuck: 60,
  /** For a command that does nothing. */
  signOfLife: 5_000,
}

/** What a replacement may take by its own settings, and a minute for the engine. */
export function replacementLimit({
  service,
  sharers = [],
  timing,
}: Pick<Replacement, 'service' | 'sharers' | 'timing'>) {
  const all = [service, ...sharers.map(one => one.service)]
  const each = all.map(one => healthLimit(one) + timing.settle + 2 * timing.stop_timeout)
  return each.reduce((sum, one) => sum + one, timing.drain_timeout + 60_000)
}
