import { createHash, createHmac, randomBytes } from 'node:crypto'

/** A line of a known_hosts file. */
export type KnownHost = {
  file: string
  line: number
  marker?: 'revoked' | 'cert-authority'
  /** Host patterns, or one hashed name. */
  hosts: string
  type: string
  /** base64 */
  key: string
}

export type Verdict =
  | { is: 'known' }
  | { is: 'unknown' }
  | { is: 'changed'; known: KnownHost }
  | { is: 'revoked'; known: KnownHost }

export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((content, index) => {
    const words = content.trim().split(/\s+/)
    const marker = words[0] === '@revoked' ? 'revoked' : words[0] === '@cert-authority' ? 'cert-authority' : undefined
    if (marker) words.shift()
    const [hosts, type, key] = words
    if (!hosts || !type || !key || /^[#@]/.test(hosts)) return []
    return [{ file, line: index + 1, ...(marker ? { marker } : {}), hosts, type, key } satisfies KnownHost]
  })
}

/** The lines that speak of a host. `name` is as ssh writes it: `host`, or `[host]:port` when the port is not 22. */
export function knownHostsFor(all: readonly KnownHost[], name: string): KnownHost[] {
  return all.filter(({ hosts }) => (hosts.startsWith('|1|') ? isHashOf(hosts, name) : matchesPatterns(hosts, name)))
}

/** What the lines that speak of a host say about a key that it shows (in SSH's wire format). */
export function judge(lines: readonly KnownHost[], shown: Buffer): Verdict {
  const key = shown.toString('base64')
  const revoked = lines.find(known => known.marker === 'revoked' && known.key === key)
  if (revoked) return { is: 'revoked', known: revoked }

  const plain = lines.filter(known => known.marker === undefined)
  if (plain.some(known => known.key === key)) return { is: 'known' }
  const known = plain.find(({ type }) => type === typeOf(shown)) ?? plain[0]
  return known ? { is: 'changed', known } : { is: 'unknown' }
}

/** A new line for a known_hosts file. */
export function knownHostLine(name: string, key: Buffer, { hashed }: { hashed: boolean }): string {
  return `${hashed ? hashName(name, randomBytes(20)) : name} ${typeOf(key)} ${key.toString('base64')}\n`
}

/** As `ssh-keygen -l` writes it. */
export function fingerprint(key: Buffer | string): string {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : key
  return `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`
}

/** The key type that stands at the beginning of every key in wire format. */
export function typeOf(key: Buffer): string {
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString()
}

function isHashOf(hosts: string, name: string): boolean {
  const [, , salt, hash] = hosts.split('|')
  return salt !== undefined && hash !== undefined && hashName(name, Buffer.from(salt, 'base64')) === hosts
}

function hashName(name: string, salt: Buffer): string {
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

/** One pattern must match, and none that begins with `!`. */
function matchesPatterns(hosts: string, name: string): boolean {
  const patterns = hosts.toLowerCase().split(',')
  const matches = (pattern: string) => (/[*?]/.test(pattern) ? wildcard(pattern).test(name) : pattern === name)
  return (
    !patterns.some(pattern => pattern.startsWith('!') && matches(pattern.slice(1))) &&
    patterns.some(pattern => !pattern.startsWith('!') && matches(pattern))
  )
}

function wildcard(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}
