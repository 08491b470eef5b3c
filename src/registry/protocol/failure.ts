/** How far a request got: the name, the connection, TLS, the answer. */
export type Phase = 'dns' | 'connect' | 'tls' | 'http'

/** A request that got no answer. `reason` is the system's code (ECONNREFUSED, CERT_HAS_EXPIRED) or a word of ours. */
export class RequestFailed extends Error {
  readonly phase: Phase
  readonly reason: string

  constructor(phase: Phase, reason: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'RequestFailed'
    this.phase = phase
    this.reason = reason
  }
}

export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown'
}
