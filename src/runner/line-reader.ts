import { StringDecoder } from 'node:string_decoder'

/** Makes lines of UTF-8 out of bytes as they come, however they are cut. */
export function lineReader(onLine: (line: string) => void) {
  const decoder = new StringDecoder('utf8')
  let unfinished = ''
  const take = (text: string) => {
    const lines = (unfinished + text).split('\n')
    unfinished = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  }
  return {
    write: (chunk: Buffer) => take(decoder.write(chunk)),
    end: () => {
      take(decoder.end())
      if (unfinished !== '') onLine(unfinished)
      unfinished = ''
    },
  }
}
