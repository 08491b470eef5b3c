import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { JijiError } from '../errors.ts'
import { whyNotOpened } from './channel-failure.ts'
import { join, type Pair } from './join.ts'
import type { Link } from './link.ts'
import { isLost, lostError } from './lost.ts'
import type { Connection, Target } from './runner.ts'

const loopback = '127.0.0.1'

/** Ports of the server's own 127.0.0.1 that lead from there to here, and any port that it reaches, from here. */
export function tunnelsOver(link: Link): Pick<Connection, 'forward' | 'dial'> {
  const { client, whenSent } = link
  const tunnels = new Map<number, { target: Target; pairs: Set<Pair> }>()

  client.on('tcp connection', ({ destPort, srcIP }, accept, reject) => {
    const tunnel = tunnels.get(destPort)
    if (!tunnel) return reject()
    if (!isLoopback(srcIP)) {
      tunnel.target.onStranger?.(srcIP)
      return reject()
    }
    const pair = join(tunnel.target, { accept, reject, whenSent, onEnd: () => tunnel.pairs.delete(pair) })
    tunnel.pairs.add(pair)
  })

  return {
    async forward(port, target) {
      const pairs = new Set<Pair>()
      const bound = await new Promise<number>((resolve, reject) => {
        client.forwardIn(loopback, port, (error, actual) => {
          if (error) return reject(error)
          tunnels.set(actual, { target, pairs }) // before anybody can come through it
          resolve(actual)
        })
      }).catch(error => {
        throw notBound(link, port, error)
      })
      return {
        port: bound,
        async close() {
          if (!tunnels.delete(bound)) return
          await unbind(client, bound)
          for (const pair of pairs) pair.end()
        },
      }
    },

    async dial(host, port) {
      return new Promise<Duplex>((resolve, reject) => {
        client.forwardOut(loopback, 0, host, port, (error, channel) => {
          if (error) reject(error)
          else resolve(channel)
        })
      }).catch(error => {
        throw notDialled(link, host, port, error)
      })
    },
  }
}

/** With `GatewayPorts yes` sshd listens on all addresses, whatever it is asked for; but it says who comes. */
function isLoopback(address: string): boolean {
  return /^127\.|^::1$/.test(address)
}

/** Where the connection is lost, or about to be, sshd closes the port with it. */
async function unbind(client: Client, port: number): Promise<void> {
  try {
    await new Promise<void>(resolve => client.unforwardIn(loopback, port, () => resolve()))
  } catch {
    // Not connected any more.
  }
}

function notBound(link: Link, port: number, cause: Error): JijiError {
  const { server, label } = link.peer
  if (isLost(link, cause)) return lostError(link, 'while a tunnel was opened', cause)
  const [where, whose] =
    port === 0
      ? ['a port', '']
      : [`port ${port}`, `either the port is in use there (ss -ltnp 'sport = :${port}' shows by whom), or `]
  return new JijiError('tunnel.failed', `${label} refused to forward ${where} of its ${loopback}`, {
    server,
    hint: `${whose}its sshd forbids tunnels: see that sshd_config has AllowTcpForwarding yes (or remote) for this user`,
    cause,
  })
}

function notDialled(link: Link, host: string, port: number, cause: Error): JijiError {
  const { server, label } = link.peer
  if (isLost(link, cause)) return lostError(link, `while ${host}:${port} was opened`, cause)
  return new JijiError(
    'tunnel.failed',
    `${label} did not connect to ${host === loopback ? `port ${port} of its ${loopback}` : `${host}:${port}`}: ${whyNotOpened(cause)}`,
    {
      server,
      hint: `see that something listens there${host === loopback ? ` (ss -ltn 'sport = :${port}')` : ''}, and that sshd_config has AllowTcpForwarding yes (or local)`,
      cause,
    },
  )
}
