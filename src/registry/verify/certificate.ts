import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect } from 'node:tls'

export type Look = { from: number; to: number; issuer?: string; date?: number }

/**
 * Looks at a certificate that was not accepted, and at what time it is for the server that has it. Nothing is sent that
 * would have to be kept from anybody.
 */
export async function lookAtCertificate(stream: Duplex, host: string, limit = 3000): Promise<Look | undefined> {
  const timer = setTimeout(() => stream.destroy(), limit)
  try {
    const servername = isIP(host) ? {} : { servername: host }
    const socket = connect({ socket: stream, ...servername, rejectUnauthorized: false })
    stream.on('error', () => {})
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject).once('close', reject)
    })
    const { valid_from, valid_to, issuer } = socket.getPeerCertificate()
    const date = await askDate(socket).catch(() => undefined)
    const name = issuer?.CN ?? issuer?.O
    return {
      from: Date.parse(valid_from),
      to: Date.parse(valid_to),
      ...(name ? { issuer: String(name) } : {}),
      ...(date ? { date } : {}),
    }
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}

async function askDate(socket: Duplex): Promise<number | undefined> {
  socket.write('HEAD /v2/ HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n')
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (text.includes('\r\n\r\n') || text.length > 65_536) break
  }
  const date = Date.parse(/^date: *(.+)$/im.exec(text)?.[1] ?? '')
  return Number.isNaN(date) ? undefined : date
}
