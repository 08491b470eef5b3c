import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { memoryRing } from './memory-ring.ts'

/**
 * Has packets made in memory that is used again once they have been sent. ssh2 takes new memory for each, and random
 * bytes to pad it: with 32 KiB at a time, that and the garbage collector are a quarter of what a tunnel costs. This
 * reaches into ssh2: where a packet is made otherwise than here, as with another cipher, all stays as it was.
 */
export function reusePackets(client: Client, stream: Duplex): void {
  const cipher = (client as Partial<Inside>)._protocol?._cipher
  const example = cipher?.allocPacket?.(worthIt)
  if (!cipher?.allocPacket || !(stream instanceof Socket)) return
  if (example?.length !== sizeOf(worthIt) || example[4] !== paddingOf(worthIt)) return
  const take = memoryRing(stream)
  const { allocPacket } = cipher
  cipher.allocPacket = length => {
    const packet = length < worthIt ? undefined : take(sizeOf(length))
    if (!packet) return allocPacket.call(cipher, length)
    packet.writeUInt32BE(packet.length - lengthSize - tagSize, 0)
    packet[lengthSize] = paddingOf(length) // of what lies there: random bytes at first, what was encrypted later
    return packet
  }
}

type Inside = { _protocol: { _cipher?: { allocPacket?(length: number): Buffer } } }

const worthIt = 1024

const lengthSize = 4
const tagSize = 16

/** Of a packet with so many bytes in it, for AES-GCM with its tag (RFC 4253, section 6, and RFC 5647). */
function sizeOf(length: number): number {
  return lengthSize + 1 + length + paddingOf(length) + tagSize
}

/** Up to a whole number of blocks of 16, with 4 bytes at least. */
function paddingOf(length: number): number {
  const padding = 16 - ((1 + length) % 16)
  return padding < 4 ? padding + 16 : padding
}
