import type { Guard } from '../../runner/runner.ts'
import { headEnd, isReading, longest, mayBegin, refusalOf } from './requests.ts'

/**
 * Lets requests through that read from a registry, and no others: what comes through a tunnel is a server's, and a
 * server that is somebody else's by now must not be able to change the images of the next deploy. `onRequest` is told
 * of each request that goes through.
 */
export function readOnly(onRequest: (method: string, path: string) => void = () => {}): Guard {
  let rest = ''
  return chunk => {
    rest += chunk.toString('latin1')
    let passed = ''
    for (let end = rest.indexOf(headEnd); end >= 0; end = rest.indexOf(headEnd)) {
      const head = rest.slice(0, end)
      if (!isReading(head)) return { pass: Buffer.from(passed, 'latin1'), refuse: refusal }
      const [method = '', path = ''] = head.split(' ', 2)
      onRequest(method, path)
      passed += head + headEnd
      rest = rest.slice(end + headEnd.length)
    }
    const isOver = rest.length > longest || !mayBegin(rest, beginnings)
    return { pass: Buffer.from(passed, 'latin1'), ...(isOver ? { refuse: refusal } : {}) }
  }
}

const beginnings = ['GET /v2/', 'HEAD /v2/']

const refusal = refusalOf('through the tunnel of a deploy this registry can only be read')
