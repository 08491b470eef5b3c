import type { Duplex } from 'node:stream'
import ssh2, { type Client } from 'ssh2'
import { JijiError } from '../errors.ts'
import { reasonOf, whenAborted } from './abort.ts'
import type { Authentication } from './authentication.ts'
import { keepBanner } from './banner-pieces.ts'
import { DroppedEarly } from './dropped.ts'
import { firstLine, greetingOf } from './greeting.ts'
import type { HostKeyCheck } from './host-key.ts'
import { reusePackets } from './packet-memory.ts'
import type { Peer } from './peer.ts'
import { shortenLogin } from './short-login.ts'
import type { Timings } from './timings.ts'

type Handshake = {
  peer: Peer
  user: string
  authentication: Authentication
  hostKey: HostKeyCheck
  timings: Timings
  signal?: AbortSignal | undefined
}

/** Makes a client that may run commands of a stream of bytes. */
export async function shakeHands(stream: Duplex, handshake: Handshake): Promise<Client> {
  const { peer, user, authentication, hostKey, timings, signal } = handshake
  const client = new ssh2.Client()
  const over = new AbortController()
  let greeting = ''
  let timer: NodeJS.Timeout | undefined

  const ready = new Promise<void>((resolve, reject) => {
    const allow = (timeout: number, why: string) => {
      clearTimeout(timer)
      timer = setTimeout(() => reject(explain(timedOut(peer, why, timeout), greeting, handshake)), timeout)
    }
    client
      .on('error', error => {
        if (error.level !== 'agent') reject(explain(error, greeting, handshake)) // after the agent, other keys are tried
      })
      .on('close', () => reject(new DroppedEarly('connection closed')))
      .on('handshake', () => hostKey.record())
      .on('ready', resolve)
    client.connect({
      sock: stream as never, // any duplex will do; the types ask for less than what ssh2 needs
      username: user,
      readyTimeout: 0, // the stages below have their own
      keepaliveInterval: timings.silence / 4,
      keepaliveCountMax: Number.MAX_SAFE_INTEGER, // whoever watches the connection decides when it is dead
      algorithms: { serverHostKey: [...hostKey.algorithms] },
      hostVerifier: (key: Buffer) => hostKey.accepts(key),
      authHandler: authentication.next,
    })
    keepBanner(client, stream)
    shortenLogin(client)

    allow(timings.banner, 'accepted the connection but sent no SSH banner')
    stream.on('data', function listen(chunk: Buffer) {
      greeting += chunk.toString('latin1')
      if (greetingOf(greeting) === 'ssh') {
        stream.off('data', listen)
        allow(timings.handshake, 'did not finish key exchange and authentication')
      }
    })
    whenAborted(signal, () => reject(reasonOf(signal)), over.signal)
  })

  try {
    await ready
    reusePackets(client, stream)
    return client
  } catch (error) {
    client.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}

function explain(error: Error & { level?: string; code?: unknown }, greeting: string, handshake: Handshake): Error {
  const { peer, authentication, hostKey } = handshake
  const refusal = hostKey.refusal()
  if (refusal) return refusal
  if (greetingOf(greeting) === 'other') return notSsh(peer, greeting)
  if (greetingOf(greeting) === 'busy') return new DroppedEarly(firstLine(greeting), { cause: error })
  if (error instanceof JijiError) return error
  if (error.level === 'client-authentication' || /too many authentication/i.test(error.message))
    return authentication.refusal(peer, error)
  if (error.message === 'Connection lost before handshake' || endings.includes(error.code))
    return new DroppedEarly(error.message, { cause: error })
  return new JijiError('server.refused', `${peer.label}: the SSH handshake failed: ${error.message}`, {
    server: peer.server,
    hint: `see what OpenSSH says: ssh -v ${peer.address.replace(/:(\d+)$/, ' -p $1')}`,
    cause: error,
  })
}

/** How a stream breaks off: a socket's by itself or while it is written to, and that of a command which ends. */
const endings: unknown[] = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']

function notSsh({ server, label }: Peer, greeting: string): JijiError {
  return new JijiError(
    'server.unreachable',
    `${label} does not speak SSH; it says ${JSON.stringify(firstLine(greeting))}`,
    {
      server,
      hint: 'another program listens on that port: see `port`, or the port of sshd on the server',
    },
  )
}

function timedOut({ server, label }: Peer, why: string, timeout: number): JijiError {
  return new JijiError('server.timeout', `${label} ${why} in ${timeout / 1000} s`, {
    server,
    hint: 'the server may be overloaded, out of memory or shutting down: look at its console, then try again',
  })
}
