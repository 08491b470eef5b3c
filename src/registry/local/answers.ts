/**
 * Follows what a registry answers on one connection, so that one which waits for something is told from one that is
 * merely kept open.
 */
export function followAnswers() {
  const asked: string[] = []
  let head = ''
  let left = 0
  let isBlind = false

  /** @returns how much of it the answer whose head has begun takes */
  const readHead = (chunk: Buffer): number => {
    const before = head.length
    head += chunk.toString('latin1')
    const end = head.indexOf(headEnd)
    if (end < 0) return chunk.length
    const length = lengthOf(head.slice(0, end), asked[0])
    isBlind = length === undefined
    left = length ?? 0
    head = ''
    if (left === 0) asked.shift()
    return end + headEnd.length - before
  }
  const readBody = (chunk: Buffer): number => {
    const length = Math.min(left, chunk.length)
    left -= length
    if (left === 0) asked.shift()
    return length
  }
  return {
    asked: (method: string) => void asked.push(method),
    heard(chunk: Buffer) {
      for (let rest = chunk; rest.length > 0 && !isBlind; )
        rest = rest.subarray(left > 0 ? readBody(rest) : readHead(rest))
    },
    /** Never, once an answer has not said how long it is. */
    areOwed: () => asked.length > 0 && !isBlind,
  }
}

const headEnd = '\r\n\r\n'

function lengthOf(head: string, method: string | undefined): number | undefined {
  if (method === 'HEAD' || /^HTTP\/1\.[01] (204|304) /.test(head)) return 0
  const length = /^content-length:\s*(\d+)\s*$/im.exec(head)?.[1]
  return length === undefined ? undefined : Number(length)
}
