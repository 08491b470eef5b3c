import { randomFillSync } from 'node:crypto'
import type { Socket } from 'node:net'

const slabSize = 256 * 1024
const most = 16

/**
 * Hands out memory for what a socket is to send: one piece behind the other, each of which is written before the next is
 * asked for, and nothing while what lies in front has not been sent. It holds random bytes at first.
 */
export function memoryRing(socket: Socket): (size: number) => Buffer | undefined {
  const slabs: Slab[] = []
  let index = 0
  let slab: Slab | undefined
  let used = 0

  const next = () => {
    slabs[index] ??= { memory: randomFillSync(Buffer.allocUnsafeSlow(slabSize)), endsAt: 0 }
    const first = slabs[index] as Slab
    if (first.endsAt > socket.bytesWritten - socket.writableLength) return undefined
    index = (index + 1) % most
    used = 0
    return first
  }

  return size => {
    if (size > slabSize) return undefined
    if (!slab || used + size > slabSize) {
      if (slab) slab.endsAt = socket.bytesWritten
      slab = next()
    }
    used += size
    return slab?.memory.subarray(used - size, used)
  }
}

type Slab = { memory: Buffer; endsAt: number }
