import type { Secret } from '../config/secret.ts'
import { createMask } from './mask.ts'

/** Bytes that may be no text at all, without the secrets in them. They go on line by line, so that none is cut in two. */
export function maskedBytes(write: (bytes: Buffer) => void, secrets: readonly Secret[]) {
  const mask = createMask(secrets.map(secret => secret.map(value => Buffer.from(value).toString('latin1'))))
  let unfinished = ''
  const pass = (text: string) => {
    if (text !== '') write(Buffer.from(mask(text), 'latin1'))
  }
  return {
    write: (chunk: Buffer) => {
      const text = unfinished + chunk.toString('latin1')
      const end = text.lastIndexOf('\n') + 1
      unfinished = text.slice(end)
      pass(text.slice(0, end))
    },
    end: () => {
      pass(unfinished)
      unfinished = ''
    },
  }
}
