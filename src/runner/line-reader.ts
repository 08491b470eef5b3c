import { StringDecoder } from 'node:string_decoder'

/** Makes lines of UTF-8 out of bytes as they come, however they are cut. */
export function lineReader(onLine: (line: string) => void) {
  const decoder = new StringDecoder('utf8')
  // What of a line has come so far, in pieces: to look through all of it again with each would take time with its square.
  let unfinished: string[] = []
  const take = (text: string) => {
    const [first = '', ...lines] = text.split('\n')
    unfinished.push(first)
    if (lines.length === 0) return
    const last = lines.pop() ?? ''
    const whole = unfinished.join('')
    unfinished = [last]
    for (const line of [whole, ...lines]) onLine(line)
  }
  return {
    write: (chunk: Buffer) => take(decoder.write(chunk)),
    end: () => {
      take(decoder.end())
      const rest = unfinished.join('')
      unfinished = []
      if (rest !== '') onLine(rest)
    },
  }
}
