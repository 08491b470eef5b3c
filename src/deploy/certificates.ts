import { X509Certificate } from 'node:crypto'

export type Certificate = { host: string; expires: string }

/** Reads the lines of shell/certificates.ts: of several certificates for a host, the one that lasts longest. */
export function parseCertificates(text: string): Certificate[] {
  const latest = new Map<string, string>()
  for (const [, folder = '', pem = ''] of text.matchAll(/^certificate (\S+) (.*)$/gm)) {
    const host = folder.replace('wildcard_', '*')
    const expires = expiryOf(pem.replaceAll(',', '\n'))
    if (expires && expires > (latest.get(host) ?? '')) latest.set(host, expires)
  }
  return [...latest].map(([host, expires]) => ({ host, expires }))
}

/** None where a full disk has cut the file short. */
function expiryOf(pem: string): string | undefined {
  try {
    return new Date(new X509Certificate(pem).validTo).toISOString()
  } catch {
    return undefined
  }
}
