import type { Guard } from '../../runner/runner.ts'

/**
 * Lets requests through that read from a registry, and no others: what comes through a tunnel is a server's, and a
 * server that is somebody else's by now must not be able to change the images of the next deploy. It is strict on how
 * lines end, because a registry that reads them otherwise could find a second request in what looks like one. `onRequest`
 * is told of each request that goes through.
 */
export function readOnly(onRequest: (method: string, path: string) => void = () => {}): Guard {
  let rest = ''
  return chunk => {
    rest += chunk.toString('latin1')
    let passed = ''
    for (let end = rest.indexOf(headEnd); end >= 0; end = rest.indexOf(headEnd)) {
      const head = rest.slice(0, end + headEnd.length)
      if (!isReading(head)) return { pass: Buffer.from(passed, 'latin1'), refuse: refusal }
      const [method = '', path = ''] = head.split(' ', 2)
      onRequest(method, path)
      passed += head
      rest = rest.slice(head.length)
    }
    const isOver = rest.length > longest || !mayBegin(rest)
    return { pass: Buffer.from(passed, 'latin1'), ...(isOver ? { refuse: refusal } : {}) }
  }
}

/** Docker tries TLS first, and goes on without it when it is answered: to wait for the end of a line costs it 10 s. */
function mayBegin(text: string): boolean {
  return beginnings.some(one => text.startsWith(one) || one.startsWith(text))
}

const beginnings = ['GET /v2/', 'HEAD /v2/']
const headEnd = '\r\n\r\n'
const longest = 65_536

function isReading(head: string): boolean {
  const [first = '', ...fields] = head.slice(0, -headEnd.length).split('\r\n')
  if (/[\r\n\0]/.test([first, ...fields].join(''))) return false
  if (!/^(GET|HEAD) \/v2\/\S* HTTP\/1\.[01]$/.test(first)) return false
  return fields.every(
    field =>
      /^[\w!#$%&'*+.^`|~-]+:/.test(field) && !/^(transfer-encoding|upgrade):|^content-length:(?!\s*0\s*$)/i.test(field),
  )
}

const body = JSON.stringify({
  errors: [{ code: 'UNSUPPORTED', message: 'through the tunnel of a deploy this registry can only be read' }],
})

const refusal = `HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
