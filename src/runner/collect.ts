import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { lineReader } from './line-reader.ts'

/**
 * Reads a stream of UTF-8 to its end, whole characters at a time, and reports each line without its newline.
 * @returns what has been read so far
 */
export function collect(stream: Readable, onLine?: (line: string) => void): () => string {
  const decoder = new StringDecoder('utf8')
  const lines = onLine && lineReader(onLine)
  const texts: string[] = []

  stream.on('data', (chunk: Buffer) => {
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
