/** What the guards of tunnels to a registry know of HTTP, and no more of it than engines speak. */

export const headEnd = '\r\n\r\n'

/** Longer than any head that an engine sends. */
export const longest = 65_536

/** Docker tries TLS first, and goes on without it when it is answered: to wait for the end of a line costs it 10 s. */
export function mayBegin(text: string, beginnings: readonly string[]): boolean {
  return beginnings.some(one => text.startsWith(one) || one.startsWith(text))
}

/** Whether a head, without the empty line that ends it, is that of a request that only reads. */
export function isReading(head: string): boolean {
  if (!wellFormed(head) || !/^(GET|HEAD) \/v2\/\S* HTTP\/1\.[01]$/.test(head.split('\r\n', 1)[0] ?? '')) return false
  const hasBody = valuesOf(head, 'content-length').some(length => length !== '0')
  return !hasBody && valuesOf(head, 'transfer-encoding').length + valuesOf(head, 'upgrade').length === 0
}

/** Strict on how lines end, because a registry that reads them otherwise could find a second request in what looks like one. */
export function wellFormed(head: string): boolean {
  const [first = '', ...fields] = head.split('\r\n')
  return !/[\r\n\0]/.test([first, ...fields].join('')) && fields.every(field => /^[\w!#$%&'*+.^`|~-]+:/.test(field))
}

/** The values of all fields of this name. */
export function valuesOf(head: string, name: string): string[] {
  const fields = head.split('\r\n').slice(1)
  return fields
    .filter(field => field.toLowerCase().startsWith(`${name}:`))
    .map(field => field.slice(name.length + 1).trim())
}

export function refusalOf(message: string): string {
  const body = JSON.stringify({ errors: [{ code: 'UNSUPPORTED', message }] })
  return `HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}
