import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import { codeOf, RequestFailed } from './failure.ts'
import type { Trust } from './trust.ts'

/** TLS to a host, over a stream that `open` makes; once more, with all that the system trusts, where that is needed. */
export async function connectTls(host: string, open: () => Promise<Duplex>, trust: Trust): Promise<TLSSocket> {
  const secure = async (context: SecureContext | undefined) => {
    const socket = await handshake(await open(), host, context)
    try {
      await trust.check(socket.getPeerCertificate())
      return socket
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
  try {
    return await secure(await trust.own())
  } catch (error) {
    if (!isUntrusted(error)) throw error
    const whole = await trust.whole()
    if (!whole) throw error
    return await secure(whole)
  }
}

export function isUntrusted(error: unknown): boolean {
  return error instanceof RequestFailed && untrusted.includes(error.reason)
}

const untrusted = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
]

function handshake(stream: Duplex, host: string, context: SecureContext | undefined): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: stream,
      host,
      ALPNProtocols: ['http/1.1'],
      ...(isIP(host) ? {} : { servername: host }),
      ...(context ? { secureContext: context } : {}),
    })
    const fail = (error: Error) => {
      socket.destroy()
      stream.destroy()
      reject(new RequestFailed('tls', codeOf(error), error.message, error))
    }
    stream.on('error', fail)
    socket.on('error', fail).once('secureConnect', () => resolve(socket))
    socket.once('close', () => fail(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })))
  })
}
