import { crc32 } from 'node:zlib'

type TarEntry = { name: string; mode: number; contents?: Buffer }

/** A tar archive of root's files without times: the same entries give the same bytes. A folder's name ends in `/`. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(({ name, mode, contents = Buffer.alloc(0) }) => [
    header(name, mode, contents.length),
    contents,
    Buffer.alloc((512 - (contents.length % 512)) % 512),
  ])
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

/** gzip without compression: what a deflater makes of its input differs from build to build. RFC 1951, 1952. */
export function gzipStored(data: Buffer): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
  const blocks: Buffer[] = []
  for (let start = 0; start === 0 || start < data.length; start += 65_535) {
    const piece = data.subarray(start, start + 65_535)
    const lead = Buffer.alloc(5)
    lead[0] = start + 65_535 >= data.length ? 1 : 0
    lead.writeUInt16LE(piece.length, 1)
    lead.writeUInt16LE(~piece.length & 0xffff, 3)
    blocks.push(lead, piece)
  }
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(crc32(data), 0)
  tail.writeUInt32LE(data.length >>> 0, 4)
  return Buffer.concat([head, ...blocks, tail])
}

/** POSIX ustar. */
function header(name: string, mode: number, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`
  block.write(name, 0)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  block.write('        ', 148)
  block.write(name.endsWith('/') ? '5' : '0', 156)
  block.write('ustar\x0000', 257)
  block.write('root', 265)
  block.write('root', 297)
  block.write(octal(0, 8), 329)
  block.write(octal(0, 8), 337)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
