import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { JijiError } from '../errors.ts'
import { reasonOf, whenAborted } from './abort.ts'
import { isForbidden, whyNotOpened } from './channel-failure.ts'
import { gatherWrites } from './gather-writes.ts'
import type { Peer } from './peer.ts'

/** How bytes get to a server's sshd and back. */
export type Route = {
  stream: Duplex
  /** What the route knows about a connection that failed. */
  explain?(error: unknown): unknown
  close(): Promise<void>
}

export type Limits = { peer: Peer; timeout: number; signal?: AbortSignal | undefined }

export async function directRoute(host: string, port: number, limits: Limits): Promise<Route> {
  // Node gives up an address after 250 ms when a name has several: too early for a server far away.
  const socket = new Socket().setNoDelay(true)
  socket.connect({ host, port, autoSelectFamilyAttemptTimeout: 2_500 })
  try {
    await within<void>(limits, (resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', error => reject(unreachable(limits.peer, host, error)))
    })
  } catch (error) {
    socket.on('error', () => {}).destroy()
    throw error
  }
  gatherWrites(socket)
  return { stream: socket, close: async () => void socket.destroy() }
}

/** Through a jump host, whose own connection carries this one and is closed with it. */
export async function jumpRoute(jumpHost: JumpHost, host: string, port: number, limits: Limits): Promise<Route> {
  try {
    const stream = await within<Duplex>(limits, (resolve, reject) => {
      jumpHost.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error) reject(notReachedFrom(jumpHost.peer, limits.peer, error))
        else resolve(channel)
      })
    })
    const close = async () => {
      stream.destroy()
      await jumpHost.close()
    }
    return { stream, close }
  } catch (error) {
    await jumpHost.close()
    throw error
  }
}

type JumpHost = { client: Client; peer: Peer; close(): Promise<void> }

/** Waits for what `start` begins, but not longer than the limits say. */
function within<T>(
  { peer, timeout, signal }: Limits,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  const over = new AbortController()
  let timer: NodeJS.Timeout | undefined
  return new Promise<T>((resolve, reject) => {
    timer = setTimeout(() => reject(noAnswer(peer, timeout)), timeout)
    whenAborted(signal, () => reject(reasonOf(signal)), over.signal)
    start(resolve, reject)
  }).finally(() => {
    clearTimeout(timer)
    over.abort()
  })
}

function noAnswer({ server, label }: Peer, timeout: number): JijiError {
  return new JijiError('server.timeout', `${label} did not answer within ${timeout / 1000} s`, {
    server,
    hint: 'see whether the server is up and whether a firewall or security group lets you in',
  })
}

function unreachable({ server, label }: Peer, host: string, error: NodeJS.ErrnoException): JijiError {
  const [why, hint] = reasons[error.code ?? ''] ?? [
    error.message,
    'see whether the server is up and the address is right',
  ]
  return new JijiError('server.unreachable', `cannot reach ${label}: ${why.replace('HOST', host)}`, {
    server,
    hint: isExample(host) ? `${host} is an example: put the address of your server into deploy.yml` : hint,
    cause: error,
  })
}

/** Names that nobody can have (RFC 2606), such as the one that `jiji init` writes where it is told none. */
function isExample(host: string): boolean {
  return /(^|\.)example\.(com|net|org)$/.test(host)
}

const reasons: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: [
    'connection refused',
    'the machine is up, but nothing listens on that port: see `port`, and that sshd runs',
  ],
  ENOTFOUND: ['the name HOST does not resolve', 'see whether `host` is spelled right and the name is in your DNS yet'],
  EAI_AGAIN: ['the name HOST could not be looked up', 'see whether this machine has a network and a DNS server'],
  EHOSTUNREACH: [
    'no route to host',
    'see whether the server is up, and whether you need a VPN or a jump host (`ssh: {proxy: …}`)',
  ],
  ENETUNREACH: ['network is unreachable', 'see whether this machine has a network, and IPv6 if the address is one'],
  ETIMEDOUT: ['no answer', 'see whether the server is up and whether a firewall or security group lets you in'],
}

function notReachedFrom(jumpHost: Peer, { server, label }: Peer, error: Error): JijiError {
  return new JijiError('server.unreachable', `cannot reach ${label} from ${jumpHost.label}: ${whyNotOpened(error)}`, {
    server,
    hint: isForbidden(error)
      ? `the sshd of ${jumpHost.address} does not forward: it needs AllowTcpForwarding yes`
      : `see whether ${jumpHost.address} can resolve and reach the server, and that sshd runs on it`,
    cause: error,
  })
}
