import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'

/**
 * Has ssh2 read a banner that comes in many pieces: it keeps the first piece of what has no end yet, and forgets those that
 * follow. This reaches into ssh2 1.17 (lib/protocol/Protocol.js, `parseHeader`), ahead of each piece: where it keeps nothing,
 * or no more, all stays as it was.
 */
export function keepBanner(client: Client, stream: Duplex): void {
  const protocol = (client as Partial<Inside>)._protocol
  const pieces: Buffer[] = []
  stream.prependListener('data', function keep(piece: Buffer) {
    if (protocol?._buffer) protocol._buffer = Buffer.concat(pieces)
    else if (pieces.length > 0) stream.off('data', keep)
    pieces.push(piece)
  })
}

type Inside = { _protocol: { _buffer?: Buffer } }
