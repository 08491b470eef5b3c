import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { codeOf, RequestFailed } from './failure.ts'
import type { Anchors, Trust } from './trust.ts'

/** TLS to a host, over a stream that `open` makes, with the first of the authorities there that vouch for it. */
export async function connectTls(host: string, open: () => Promise<Duplex>, trust: Trust): Promise<TLSSocket> {
  let failure: unknown
  for (const anchors of trust.sets) {
    try {
      const socket = await secure(host, open, anchors, trust)
      if (socket) return socket
    } catch (error) {
      if (!isUntrusted(error)) throw error
      failure ??= error
    }
  }
  throw failure
}

/** Both ways are gone at once: the stream is opened while the place is asked for its authorities. */
async function secure(
  host: string,
  open: () => Promise<Duplex>,
  anchorsOf: Trust['sets'][number],
  trust: Trust,
): Promise<TLSSocket | undefined> {
  const opening = open()
  opening.catch(() => {}) // it is awaited below, or of no use
  let socket: TLSSocket | undefined
  try {
    const anchors = await anchorsOf()
    if (!anchors) return undefined
    const secured = await handshake(await opening, host, anchors)
    await trust.check(secured.getPeerCertificate())
    socket = secured
    return socket
  } finally {
    if (!socket) opening.then(stream => stream.destroy()).catch(() => {})
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

function handshake(stream: Duplex, host: string, anchors: Anchors): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: stream,
      host,
      ALPNProtocols: ['http/1.1'],
      ...(isIP(host) ? {} : { servername: host }),
      ...(anchors === 'public' ? {} : { secureContext: anchors }),
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
