import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { JijiError } from '../../errors.ts'
import { whenAborted } from '../../runner/abort.ts'
import { isForbidden, whyNotOpened } from '../../runner/channel-failure.ts'
import { type Connection, canTunnel, type Runner } from '../../runner/runner.ts'
import { codeOf, RequestFailed } from './failure.ts'

/** Opens a stream to a port of a host; `signal` gives that up. */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>

/** From where a runner runs: this machine, or a server, whose sshd then looks up the name and connects. */
export function dialFrom(runner: Runner): Dial {
  return canTunnel(runner) ? (host, port) => dialThere(runner, host, port) : dialHere
}

export function dialHere(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const over = new AbortController()
    const socket = connect({ host, port, noDelay: true })
    whenAborted(signal, () => socket.destroy(), over.signal)
    socket
      .once('connect', () => {
        over.abort()
        resolve(socket)
      })
      .once('close', () => over.abort())
      .on('error', (error: NodeJS.ErrnoException) => {
        const phase = error.syscall === 'getaddrinfo' ? 'dns' : 'connect'
        reject(new RequestFailed(phase, codeOf(error), error.message || codeOf(error), error))
      })
  })
}

async function dialThere(connection: Connection, host: string, port: number): Promise<Duplex> {
  try {
    return await connection.dial(host, port)
  } catch (error) {
    if (!(error instanceof JijiError) || error.code !== 'tunnel.failed' || !(error.cause instanceof Error)) throw error
    throw refusedThere(error.cause)
  }
}

/** sshd has no codes for this, only what its system calls say in English. */
function refusedThere(error: Error): RequestFailed {
  const words = whyNotOpened(error)
  if (isForbidden(error)) return new RequestFailed('connect', 'forbidden', words, error)
  if (/refused/i.test(words)) return new RequestFailed('connect', 'ECONNREFUSED', words, error)
  if (/timed out/i.test(words)) return new RequestFailed('connect', 'ETIMEDOUT', words, error)
  if (/route|unreachable/i.test(words)) return new RequestFailed('connect', 'EHOSTUNREACH', words, error)
  if (/name|address associated|resol/i.test(words)) return new RequestFailed('dns', 'ENOTFOUND', words, error)
  return new RequestFailed('connect', 'unknown', words, error)
}
