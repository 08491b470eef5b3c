import type { Socket } from 'node:net'

/**
 * Has a socket send in one system call what is written in one turn of the event loop: ssh2 writes every packet of 32 KiB
 * by itself. It has to be connected, because `connect` puts its own `write` back, over that of a subclass too.
 */
export function gatherWrites(socket: Socket): void {
  const write = socket.write
  let isGathering = false
  socket.write = (...args: unknown[]) => {
    if (!isGathering) {
      isGathering = true
      socket.cork()
      process.nextTick(() => {
        isGathering = false
        socket.uncork()
      })
    }
    return write.apply(socket, args as Parameters<Socket['write']>)
  }
}
