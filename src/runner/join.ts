import { connect, type Socket } from 'node:net'
import type { ClientChannel } from 'ssh2'

export type Pair = { end(): void }

type Way = {
  /** Called when the socket is connected. */
  accept: () => ClientChannel
  /** Called when it cannot be. */
  reject: () => void
  onEnd: () => void
}

/**
 * Joins a channel to a new socket here, for as long as both live. The socket's bytes go straight from a large buffer
 * into the channel, because two piped streams are slower by a third. Either side may end its half while the other
 * goes on.
 */
export function join(target: { host: string; port: number }, { accept, reject, onEnd }: Way): Pair {
  const buffers = bufferPool()
  let channel: ClientChannel | undefined
  const socket = connect({
    ...target,
    noDelay: true,
    allowHalfOpen: true,
    onread: {
      buffer: buffers.take,
      callback: (length, buffer) => {
        const hasRoom = channel?.write(buffer.subarray(0, length), () => buffers.giveBack(buffer))
        if (!hasRoom) channel?.once('drain', () => socket.resume())
        return hasRoom === true
      },
    },
  })
  socket
    .on('connect', () => {
      channel = accept()
      pour(channel, socket)
    })
    .on('error', () => {
      if (!channel) reject()
    })
    .on('close', () => {
      channel?.destroy()
      channel?.resume()
      onEnd()
    })
  return { end: () => socket.destroy() }
}

function pour(channel: ClientChannel, socket: Socket): void {
  channel.pipe(socket)
  channel.on('error', () => {})
  channel.on('close', () => socket.destroySoon()) // when what came before is written
  socket.on('end', () => channel.end())
}

const bufferSize = 1024 * 1024

/** Buffers that may be used again once what was read into them has been sent. */
function bufferPool() {
  const free: Uint8Array[] = []
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(bufferSize),
    giveBack: (buffer: Uint8Array) => {
      if (free.length < 4) free.push(buffer)
    },
  }
}
