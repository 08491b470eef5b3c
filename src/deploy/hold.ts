import { JijiError } from '../errors.ts'
import { canTunnel, type Runner } from '../runner/runner.ts'
import { stay } from '../shell/stay.ts'
import { openTunnel, throughTunnel } from './tunnel.ts'
import type { Refusal } from './tunnel-refusal.ts'

/** `open`: the registry of this machine answers there; `why` not on the usual port. `lost`: it did, and does not any more. */
export type Held = { server: string } & (
  | { state: 'open'; address: string; why?: Refusal }
  | { state: 'failed' | 'lost'; error: JijiError }
)

/**
 * Holds tunnels to the registry of this machine open, until the signal ends it, or none is left.
 * @returns why those are closed that should not be
 */
export async function holdTunnels(
  runners: Iterable<Runner>,
  port: number,
  tell: (held: Held) => void,
  signal: AbortSignal,
): Promise<JijiError[]> {
  const ends = [...runners].map(async (runner): Promise<JijiError[]> => {
    let isOpen = false
    try {
      await hold(runner, port, signal, (address, why) => {
        isOpen = true
        tell({ server: runner.server, state: 'open', address, ...(why ? { why } : {}) })
      })
      return []
    } catch (error) {
      if (!(error instanceof JijiError) || signal.aborted) throw error
      tell({ server: runner.server, state: isOpen ? 'lost' : 'failed', error })
      return [error]
    }
  })
  return (await Promise.all(ends)).flat()
}

async function hold(
  runner: Runner,
  port: number,
  signal: AbortSignal,
  onOpen: (address: string, why?: Refusal) => void,
): Promise<void> {
  // This machine as a server is where the registry is.
  if (!canTunnel(runner)) return onOpen(`127.0.0.1:${port}`)
  const opened = await openTunnel(runner, port)
  if (!opened.tunnel) throw forbidden(runner, opened.why)
  await throughTunnel(
    runner,
    opened,
    () => {},
    async there => {
      onOpen(`127.0.0.1:${there}`, opened.why)
      const { code } = await runner.run(stay(), { until: signal })
      if (!signal.aborted) throw ended(runner, code)
    },
  )
}

function forbidden({ server }: Runner, { cause, change }: Refusal): JijiError {
  return new JijiError('server.refused', `${server}: ${cause}`, {
    server,
    hint: `${change}; a deploy sends images without a tunnel there`,
  })
}

function ended({ server }: Runner, code: number): JijiError {
  return new JijiError('server.lost', `${server}: what held the tunnel open was ended there, with status ${code}`, {
    server,
  })
}
