import type { Secret } from '../config/secret.ts'
import { createMasking } from './mask.ts'

/**
 * Bytes that may be no text at all, without the secrets in them. They go on line by line, so that none is cut in two, and
 * of a line that does not end all that cannot be the beginning of one.
 */
export function maskedBytes(write: (bytes: Buffer) => void, secrets: readonly Secret[]) {
  const { mask, settled } = createMasking(secrets, form => Buffer.from(form).toString('latin1'))
  let unfinished = ''
  const pass = (text: string) => {
    if (text !== '') write(Buffer.from(mask(text), 'latin1'))
  }
  return {
    write: (chunk: Buffer) => {
      const text = unfinished + chunk.toString('latin1')
      const lineEnd = text.lastIndexOf('\n') + 1
      const end = text.length - lineEnd > longLine ? Math.max(lineEnd, settled(text)) : lineEnd
      unfinished = text.slice(end)
      pass(text.slice(0, end))
    },
    end: () => {
      pass(unfinished)
      unfinished = ''
    },
  }
}

const longLine = 65_536
