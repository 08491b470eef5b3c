import { connect, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import type { Attendant, Guard, Target } from './runner.ts'

export type Pair = { end(): void }

type Way = {
  /** Called when the socket is connected. */
  accept: () => ClientChannel
  /** Called when it cannot be. */
  reject: () => void
  onEnd: () => void
  /** Calls back when the connection has room for more. */
  whenSent: (go: () => void) => void
}

/**
 * Joins a channel to a new socket here, for as long as both live. The socket's bytes go straight from one large buffer
 * into the channel, because two piped streams are slower by a third; nothing more is read before they have been sent.
 * Either side may end its half while the other goes on.
 */
export function join({ attend, onRefused, host, port }: Target, { accept, reject, onEnd, whenSent }: Way): Pair {
  let channel: ClientChannel | undefined
  let attendant: Attendant | undefined
  const socket = connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(bufferSize),
      callback: (length, buffer) => {
        attendant?.onAnswer?.(Buffer.from(buffer.buffer, buffer.byteOffset, length))
        channel?.write(buffer.subarray(0, length), () => {
          attendant?.onTaken?.(length)
          whenSent(() => socket.resume())
        })
        return false // until it is on its way, and the buffer free again
      },
    },
  })
  socket
    .on('connect', () => {
      attendant = attend?.(end)
      channel = accept()
      pour(channel, socket, attendant?.guard)
    })
    .on('error', () => {
      if (channel) return
      onRefused?.()
      reject()
    })
    .on('close', () => {
      channel?.destroy()
      channel?.resume()
      attendant?.onEnd?.()
      onEnd()
    })
  const end = () => void socket.destroy()
  return { end }
}

function pour(channel: ClientChannel, socket: Socket, guard: Guard | undefined): void {
  if (guard) channel.pipe(gate(guard, answer => channel.end(answer))).pipe(socket)
  else channel.pipe(socket)
  channel.on('error', () => {})
  channel.on('close', () => socket.destroySoon()) // when what came before is written
  socket.on('end', () => channel.end())
}

/** Passes on what the guard lets through; from a refusal on nothing, and the target learns that the other side has ended. */
function gate(guard: Guard, refuse: (answer: string) => void): Transform {
  let isShut = false
  return new Transform({
    transform(chunk: Buffer, _, done) {
      if (isShut) return done()
      const verdict = guard(chunk)
      if (verdict.pass.length > 0) this.push(verdict.pass)
      if (verdict.refuse !== undefined) {
        isShut = true
        refuse(verdict.refuse)
        this.push(null)
      }
      done()
    },
  })
}

const bufferSize = 1024 * 1024
