import { createServer, type Server, type Socket } from 'node:net'
import type { Connection } from '../../runner/runner.ts'
import { noReader, readThrough } from '../../shell/doctor.ts'
import { type Listener, readListeners } from './listeners.ts'

/** A time in which so much went through a tunnel, in milliseconds; with 0 bytes, there and back. */
export type Round = { bytes: number; milliseconds: number }

type Measured = {
  bytesPerSecond: number
  /** Milliseconds. */
  roundTrip: number
  /** Who listens at the server's end of the tunnel. */
  listeners: readonly Listener[]
}

/**
 * Sends through a tunnel of its own, for a second and some tens of megabytes at most, to whatever the server has that
 * can read. Undefined where it has nothing.
 */
export async function measureTunnel(connection: Connection, signal: AbortSignal): Promise<Measured | undefined> {
  const over = new AbortController()
  const rounds: Round[] = []
  const play = async (socket: Socket) => {
    const bytes = nextSize(rounds)
    if (bytes !== undefined) return void rounds.push({ bytes, milliseconds: await send(socket, bytes) })
    socket.destroy()
    over.abort()
  }
  let before = Promise.resolve()
  const server = createServer({ noDelay: true }, socket => {
    before = before.then(() => play(socket)) // the end of one round may be heard after the next has begun
  })
  try {
    const tunnel = await connection.forward(0, { host: '127.0.0.1', port: await listen(server) })
    try {
      const { code, stdout } = await connection.run(readThrough(tunnel.port), {
        signal,
        until: over.signal,
        timeout: 30_000,
      })
      if (code === noReader) return undefined
      const lines = [...stdout.matchAll(/^listen (.*)$/gm)].map(([, line = '']) => line)
      return { ...rateOf(rounds), listeners: readListeners(lines, []) ?? [] }
    } finally {
      await tunnel.close()
    }
  } finally {
    server.close()
  }
}

const first = 16 * 1024
const most = 32 * 1024 * 1024

/** Milliseconds that all rounds may take. */
const limit = 1000

/** Nothing twice, for the round trip; then more each time, for as long as a longer round fits into the time. */
export function nextSize(rounds: readonly Round[]): number | undefined {
  if (rounds.length < 2) return 0
  const last = rounds.at(-1)
  if (!last?.bytes) return first
  const left = limit - rounds.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
  const next = Math.min(most, last.bytes * 16, Math.floor((rateOf(rounds).bytesPerSecond / 1000) * left * 0.7))
  return next > last.bytes * 1.5 ? next : undefined
}

/** By the last round, which is the longest. */
export function rateOf(rounds: readonly Round[]): Pick<Measured, 'bytesPerSecond' | 'roundTrip'> {
  const roundTrip = Math.min(...rounds.filter(({ bytes }) => bytes === 0).map(({ milliseconds }) => milliseconds))
  const { bytes, milliseconds } = rounds.at(-1) ?? { bytes: 0, milliseconds: 1 }
  return { bytesPerSecond: (bytes / Math.max(1, milliseconds - roundTrip)) * 1000, roundTrip }
}

/**
 * Sends an answer of HTTP, for those programs that ask in that way; the others take all of it for what they came for.
 * @returns after how many milliseconds the other side had it, and said so by closing
 */
function send(socket: Socket, bytes: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024)
  const begin = performance.now()
  let left = bytes
  const pour = () => {
    while (left > 0) {
      const size = Math.min(left, chunk.length)
      left -= size
      if (!socket.write(chunk.subarray(0, size))) return
    }
    socket.end()
  }
  return new Promise(resolve => {
    socket
      .on('error', () => {})
      .on('drain', pour)
      .on('close', () => resolve(performance.now() - begin))
    socket.resume()
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`)
    pour()
  })
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}
