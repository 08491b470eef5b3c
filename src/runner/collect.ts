import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/**
 * Reads a stream of UTF-8 to its end, whole characters at a time, and reports each line without its newline.
 * @returns what has been read so far
 */
export function collect(stream: Readable, onLine?: (line: string) => void): () => string {
  const decoder = new StringDecoder('utf8')
  const texts: string[] = []
  let unfinished = ''

  const take = (text: string) => {
    texts.push(text)
    if (!onLine) return
    const lines = (unfinished + text).split('\n')
    unfinished = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  }

  stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)))
  stream.on('end', () => {
    take(decoder.end())
    if (unfinished !== '') onLine?.(unfinished)
    unfinished = ''
  })
  stream.on('error', () => {}) // how the shell ended says more
  return () => texts.join('')
}
