import { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import { reasonOf, whenAborted } from '../../runner/abort.ts'
import { connectTls } from './connect-tls.ts'
import type { Dial } from './dial.ts'
import { RequestFailed } from './failure.ts'
import type { Trust } from './trust.ts'

/** How requests get from a place to a registry. */
export type Way = {
  dial: Dial
  trust: Trust
  /** Milliseconds for the connection, and then again for the answer. */
  limit?: number
  signal?: AbortSignal | undefined
}

export const defaultLimit = 5000

/** Opens connections to one origin, each over a stream of its own, and keeps them. */
export function agentOver(url: URL, { dial, trust, limit = defaultLimit, signal }: Way, closed: AbortSignal): Agent {
  // A bare channel of SSH, unlike one with TLS in it, has not all the methods of a socket that is kept.
  const agent = new Agent({ keepAlive: url.protocol === 'https:', maxSockets: 8 })
  const host = url.hostname.replace(/^\[|\]$/g, '')
  agent.createConnection = (_, done) => {
    withinLimit(limit, [signal, closed], async given => {
      const open = () => dial(host, portOf(url), given)
      return url.protocol === 'https:' ? await connectTls(host, open, trust) : await open()
    }).then(
      stream => done?.(null, stream),
      error => done?.(error, undefined as never),
    )
    return undefined
  }
  return agent
}

/** What is opened too late is closed again. */
async function withinLimit(
  limit: number,
  signals: readonly (AbortSignal | undefined)[],
  open: (signal: AbortSignal) => Promise<Duplex>,
): Promise<Duplex> {
  const over = new AbortController()
  const giveUp = new AbortController()
  const opening = open(giveUp.signal)
  try {
    return await Promise.race([
      opening,
      new Promise<never>((_, reject) => {
        const timer = setTimeout(
          () => reject(new RequestFailed('connect', 'timeout', `no connection in ${limit / 1000} s`)),
          limit,
        )
        whenAborted(over.signal, () => clearTimeout(timer), new AbortController().signal)
        for (const signal of signals) whenAborted(signal, () => reject(reasonOf(signal)), over.signal)
      }),
    ])
  } catch (error) {
    giveUp.abort()
    opening.then(stream => stream.destroy()).catch(() => {})
    throw error
  } finally {
    over.abort()
  }
}

export function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80))
}
