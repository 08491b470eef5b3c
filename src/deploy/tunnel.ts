import type { Duplex } from 'node:stream'
import { JijiError } from '../errors.ts'
import { readOnly } from '../registry/local/read-only.ts'
import type { Connection, Target } from '../runner/runner.ts'
import { askVersion } from './ask-version.ts'
import { holding, type Report } from './event.ts'
import { type Refusal, whyNoPort, whyNotPort, wordsFor } from './tunnel-refusal.ts'

type Tunnel = Awaited<ReturnType<Connection['forward']>>

/** `why` it has another port than the usual one, or why there is none. */
type Opened = { tunnel: Tunnel; why?: Refusal } | { tunnel?: undefined; why: Refusal }

/**
 * Leads a port of the server's own 127.0.0.1 to the registry of this machine: the usual port where it is free there, else
 * one that sshd picks. None where its sshd forbids that altogether.
 */
export async function openTunnel(connection: Connection, port: number, watch: Partial<Target> = {}): Promise<Opened> {
  const target = { host: '127.0.0.1', port, attend: () => ({ guard: readOnly() }), ...watch }
  const forward = (port: number) => connection.forward(port, target).catch(noneWhenRefused)
  const usual = await forward(port)
  if (usual) return { tunnel: usual }
  const other = await forward(0)
  if (!other) return { why: await whyNoPort(connection, port) }
  try {
    return { tunnel: other, why: await whyNotPort(connection, port) }
  } catch (error) {
    await other.close()
    throw error
  }
}

function noneWhenRefused(error: unknown): undefined {
  if (!(error instanceof JijiError) || error.code !== 'tunnel.failed') throw error
}

/** Closes the tunnel when `fn` is done, which runs only if the registry answers through it. */
export async function throughTunnel<T>(
  connection: Connection,
  { tunnel, why }: Extract<Opened, { tunnel: Tunnel }>,
  report: Report,
  fn: (port: number) => Promise<T>,
): Promise<T> {
  const detail = `from its 127.0.0.1:${tunnel.port} to the registry here${why ? `: ${wordsFor(why)}` : ''}`
  report({ step: 'tunnel', state: 'done', server: connection.server, detail })
  return holding(report, { step: 'tunnel', server: connection.server }, async () => {
    try {
      await checkTunnel(connection, tunnel.port)
      return await fn(tunnel.port)
    } finally {
      await tunnel.close()
    }
  })
}

/**
 * The server itself must get the registry's answer, or a pull would take what else listens there. A server that
 * forbids connections from its sshd is not asked: the digest proves the rest.
 */
async function checkTunnel(connection: Connection, port: number): Promise<void> {
  let stream: Duplex
  try {
    stream = await connection.dial('127.0.0.1', port)
  } catch {
    return
  }
  const status = await askVersion(stream, 10_000).catch(() => undefined)
  if (status === 200) return
  throw new JijiError(
    'tunnel.failed',
    `${connection.server}: the registry does not answer through the tunnel (${status ?? 'no answer'})`,
    {
      server: connection.server,
      hint: 'is the local registry running? docker logs jiji-registry',
    },
  )
}
