import type { Duplex } from 'node:stream'
import { JijiError } from '../errors.ts'
import { readOnly } from '../registry/local/read-only.ts'
import type { Connection } from '../runner/runner.ts'
import type { Report } from './event.ts'
import type { Transfer } from './transfer.ts'

type Tunnel = Awaited<ReturnType<Connection['forward']>>

/**
 * Leads a port of the server's own 127.0.0.1 to the registry of this machine: the usual port where it is free there, else
 * one that sshd picks. Undefined where its sshd forbids tunnels altogether.
 */
export async function openTunnel(
  connection: Connection,
  port: number,
  watch: Partial<Transfer> = {},
): Promise<Tunnel | undefined> {
  const target = { host: '127.0.0.1', port, guard: () => readOnly(), ...watch }
  try {
    return await connection.forward(port, target).catch(() => connection.forward(0, target))
  } catch (error) {
    if (error instanceof JijiError && error.code === 'tunnel.failed') return undefined
    throw error
  }
}

/** Closes the tunnel when `fn` is done, which runs only if the registry answers through it. */
export async function throughTunnel<T>(
  connection: Connection,
  tunnel: Tunnel,
  report: Report,
  fn: (port: number) => Promise<T>,
): Promise<T> {
  const detail = `127.0.0.1:${tunnel.port} there is the registry here`
  report({ step: 'tunnel', state: 'done', server: connection.server, detail })
  try {
    await checkTunnel(connection, tunnel.port)
    return await fn(tunnel.port)
  } finally {
    await tunnel.close()
  }
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
  const status = await askVersion(stream).catch(() => undefined)
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

/** The status of `GET /v2/`; undefined when what answers does not speak HTTP. */
async function askVersion(stream: Duplex): Promise<number | undefined> {
  const limit = setTimeout(() => stream.destroy(new Error('no answer in 10 s')), 10_000)
  try {
    stream.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of stream) {
      text += String(chunk)
      if (text.includes('\r\n')) break
    }
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
    return status === undefined ? undefined : Number(status)
  } finally {
    clearTimeout(limit)
    stream.destroy()
  }
}
