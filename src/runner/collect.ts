import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { lineReader } from './line-reader.ts'

/** No script of ours writes as much: whoever does would have all the memory of this machine. */
export const most = 128 * 1024 * 1024

/**
 * Reads a stream of UTF-8 to its end, whole characters at a time, and reports each line without its newline. What comes
 * after the most that is kept is neither; `onTooMuch` is told.
 * @returns what has been read so far
 */
export function collect(stream: Readable, onLine?: (line: string) => void, onTooMuch = () => {}): () => string {
  const decoder = new StringDecoder('utf8')
  const lines = onLine && lineReader(onLine)
  const texts: string[] = []
  let size = 0

  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > most) return onTooMuch()
    texts.push(decoder.write(chunk))
    lines?.write(chunk)
  })
  stream.on('end', () => {
    texts.push(decoder.end())
    lines?.end()
  })
  stream.on('error', () => {}) // how the shell ended says more
  return () => texts.join('')
}
