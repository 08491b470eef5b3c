import type { Duplex } from 'node:stream'

/** The status of `GET /v2/`; undefined when what answers does not speak HTTP, or gives no answer in `limit` milliseconds. */
export async function askVersion(stream: Duplex, limit: number): Promise<number | undefined> {
  const timer = setTimeout(() => stream.destroy(new Error(`no answer in ${limit / 1000} s`)), limit)
  try {
    stream.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of stream) {
      text += String(chunk)
      if (text.includes('\r\n')) break
    }
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
    return status === undefined ? undefined : Number(status)
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}
