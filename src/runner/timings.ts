/** Milliseconds that each stage of a connection may take. */
export type Timings = {
  /** Until TCP is connected. */
  connect: number
  /** Until the server says who it is. */
  banner: number
  /** Key exchange and authentication. */
  handshake: number
  /** Silence after which a connection is given up. */
  silence: number
  /** A script's clean-up when it is interrupted. */
  grace: number
  /** Before each new try when a server drops us before the handshake. */
  retries: readonly number[]
}

export const defaultTimings: Timings = {
  connect: 10_000,
  banner: 10_000,
  handshake: 20_000,
  silence: 28_000,
  grace: 10_000,
  retries: [500, 2_000, 4_000],
}
