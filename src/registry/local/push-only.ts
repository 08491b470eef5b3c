import type { Guard } from '../../runner/runner.ts'
import { headEnd, isReading, longest, mayBegin, refusalOf, valuesOf, wellFormed } from './requests.ts'

/**
 * Lets requests through that read from a registry, and those that push to one of these repositories: what comes through
 * the tunnel of a builder is the builder's, which has no business with the images of others. Bodies are followed to
 * their ends, as the registry itself will, because what comes after one is a request again.
 */
export function pushOnly(repositories: readonly string[]): Guard {
  let rest: Buffer = Buffer.alloc(0)
  let left = 0
  let state: 'head' | 'body' | 'size' | 'chunk' | 'last' = 'head'

  /** Goes one step on; undefined where there is too little for one, false where there must be no more. */
  const step = (): Buffer | false | undefined => {
    if (state === 'body' || state === 'chunk') {
      const part = take(Math.min(left, rest.length))
      left -= part.length
      if (left === 0) state = state === 'body' ? 'head' : 'size'
      return part.length > 0 ? part : undefined
    }
    const end = state === 'head' ? headEnd : '\r\n'
    const at = rest.indexOf(end, 0, 'latin1')
    if (at < 0) return isHopeless() ? false : undefined
    const text = rest.toString('latin1', 0, at)
    return follow(text) ? take(at + end.length) : false
  }

  const isHopeless = () =>
    rest.length > longest || (state === 'head' && !mayBegin(rest.toString('latin1', 0, 32), beginnings))

  const take = (length: number) => {
    const part = rest.subarray(0, length)
    rest = rest.subarray(length)
    return part
  }

  /** Whether a head, or a line between the chunks of a body, may go through; it says what comes next. */
  const follow = (text: string): boolean => {
    if (state === 'head') {
      const body = isReading(text) ? 0 : bodyOfPush(text, repositories)
      if (body === undefined) return false
      left = body === 'chunked' ? 0 : body
      state = body === 'chunked' ? 'size' : body > 0 ? 'body' : 'head'
      return true
    }
    if (state === 'last') {
      state = 'head'
      return text === '' // trailers are nothing that an engine sends
    }
    if (!/^[0-9a-f]{1,8}$/i.test(text)) return false
    left = Number.parseInt(text, 16) + 2
    state = left > 2 ? 'chunk' : 'last'
    return true
  }

  return chunk => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    const passed: Buffer[] = []
    for (;;) {
      const part = step()
      if (part === false) return { pass: Buffer.concat(passed), refuse: refusal }
      if (part === undefined) return { pass: passed.length === 1 && passed[0] ? passed[0] : Buffer.concat(passed) }
      passed.push(part)
    }
  }
}

/** The length of its body, where a head is that of a push to one of these repositories. */
function bodyOfPush(head: string, repositories: readonly string[]): number | 'chunked' | undefined {
  const [, method = '', path = ''] = /^(POST|PUT|PATCH) (\/v2\/\S*) HTTP\/1\.1\r\n/.exec(`${head}\r\n`) ?? []
  const isOurs = repositories.some(name => {
    const isUpload = path.startsWith(`/v2/${name}/blobs/uploads/`)
    return isUpload || (method === 'PUT' && path.startsWith(`/v2/${name}/manifests/`))
  })
  // What a registry might resolve to another path than the one that was looked at.
  if (!isOurs || /\.\.|%|\/\//.test(path.split('?', 1)[0] ?? '')) return undefined
  if (!wellFormed(head)) return undefined
  const lengths = valuesOf(head, 'content-length')
  const codings = valuesOf(head, 'transfer-encoding')
  if (valuesOf(head, 'upgrade').length > 0 || lengths.length + codings.length > 1) return undefined
  if (codings.length > 0) return codings[0] === 'chunked' ? 'chunked' : undefined
  const [length = '0'] = lengths
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

const beginnings = ['GET /v2/', 'HEAD /v2/', 'POST /v2/', 'PUT /v2/', 'PATCH /v2/']

const refusal = refusalOf('through the tunnel of a build only its own images can be pushed to this registry')
