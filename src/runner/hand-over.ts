import type { Readable } from 'node:stream'

/**
 * Hands a stream's bytes to somebody who may need time for them: nothing more is read until then.
 * @returns what has been kept, which is nothing
 */
export function handOver(
  stream: Readable,
  take: (chunk: Buffer) => Promise<void> | undefined,
  onFailure: (error: unknown) => void,
): () => string {
  stream.on('data', (chunk: Buffer) => {
    try {
      const taken = take(chunk)
      if (!taken) return
      stream.pause()
      taken.then(() => stream.resume(), onFailure)
    } catch (error) {
      onFailure(error)
    }
  })
  stream.on('error', () => {}) // how the shell ended says more
  return () => ''
}
