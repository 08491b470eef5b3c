import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ServerHostKeyAlgorithm } from 'ssh2'
import { JijiError } from '../errors.ts'
import {
  fingerprint,
  judge,
  type KnownHost,
  knownHostLine,
  knownHostsFor,
  parseKnownHosts,
  typeOf,
} from './known-hosts.ts'
import type { Peer } from './peer.ts'
import { isRevokedBy } from './revoked-keys.ts'
import type { SshSettings } from './ssh-config.ts'
import type { Stranger } from './strangers.ts'

/** The check of one server's host key, for the length of a connection. */
export type HostKeyCheck = {
  /** The known types first, so that a server shows the key that is known, not another of its keys. */
  algorithms: readonly ServerHostKeyAlgorithm[]
  accepts(key: Buffer): boolean
  /** Why the key was not accepted. */
  refusal(): JijiError | undefined
  /** For when the server has proved that it holds the key: one that was not known is recorded. */
  record(): void
  /** The key that was accepted, as known_hosts has it. */
  shown(): string
}

type Telling = { note: (message: string) => void; met: (stranger: Stranger) => void; forgets?: boolean | undefined }

export function hostKeyCheck(peer: Peer, settings: SshSettings, { note, met, forgets = false }: Telling): HostKeyCheck {
  const all = settings.knownHostsFiles.flatMap(file => parseKnownHosts(readOrEmpty(file), file))
  const lines = knownHostsFor(all, settings.knownAs)
  const voucher = voucherFor(lines, settings)
  let refusal: JijiError | undefined
  let accepted: Buffer | undefined
  let unknown: Buffer | undefined

  return {
    algorithms: algorithmsFor(lines),
    accepts(key) {
      if (accepted?.equals(key)) return true // key exchange is repeated during a long connection
      const verdict = judgeAlsoWithoutPort(all, lines, settings, key)
      if (verdict.is === 'changed') refusal = changed(peer, settings, verdict.known, key)
      if (verdict.is === 'revoked') refusal = revoked(peer, verdict.known, key)
      if (verdict.is === 'unknown' && (settings.strict || voucher)) refusal = notKnown(peer, settings, key, voucher)
      refusal ??= revokedByFile(peer, settings, key)
      if (verdict.is === 'unknown') unknown = key
      accepted = refusal ? undefined : key
      return refusal === undefined
    },
    refusal: () => refusal,
    record() {
      if (unknown && forgets) note(`${peer.label} is not known yet: ${typeOf(unknown)} ${fingerprint(unknown)}`)
      else if (unknown) append(peer, settings, unknown, { note, met })
      unknown = undefined
    },
    shown: () => (accepted ? `${typeOf(accepted)} ${accepted.toString('base64')}` : ''),
  }
}

/** OpenSSH takes a key for a port other than 22 also when it is known for the host without a port. */
function judgeAlsoWithoutPort(all: KnownHost[], lines: KnownHost[], { knownAs }: SshSettings, key: Buffer) {
  const verdict = judge(lines, key)
  const host = /^\[(.+)\]:\d+$/.exec(knownAs)?.[1]
  if (verdict.is !== 'unknown' || host === undefined) return verdict
  const withoutPort = judge(knownHostsFor(all, host), key)
  return withoutPort.is === 'changed' ? verdict : withoutPort
}

/** Who is to say which key is right, where it is known that somebody does: then none is accepted at first sight. */
function voucherFor(lines: readonly KnownHost[], { hasKnownHostsCommand }: SshSettings): string | undefined {
  const authority = lines.find(({ marker }) => marker === 'cert-authority')
  if (authority) return `${authority.file}:${authority.line} names an authority for its certificate`
  return hasKnownHostsCommand ? 'your ssh configuration has a KnownHostsCommand for it' : undefined
}

/** A server that no longer has a key of a known type shows another one, which then counts as changed. */
function algorithmsFor(lines: readonly KnownHost[]): ServerHostKeyAlgorithm[] {
  const known = new Set(lines.filter(line => line.marker === undefined).map(line => line.type))
  const isKnown = (algorithm: string) => known.has(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm)
  return [...algorithms.filter(isKnown), ...algorithms.filter(algorithm => !isKnown(algorithm))]
}

const algorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
] as const

/** Read and written without a pause in between, so that of several connections to one server only one records it. */
function append({ server, label }: Peer, settings: SshSettings, key: Buffer, { note, met }: Telling): void {
  const { knownAs, knownHostsFiles, hashKnownHosts } = settings
  const file = knownHostsFiles[0]
  if (file === undefined || file === '/dev/null') return
  const shown = `${typeOf(key)} ${fingerprint(key)}`
  try {
    const text = readOrEmpty(file)
    if (judge(knownHostsFor(parseKnownHosts(text, file), knownAs), key).is === 'known') return
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const newline = text === '' || text.endsWith('\n') ? '' : '\n'
    appendFileSync(file, newline + knownHostLine(knownAs, key, { hashed: hashKnownHosts }), { mode: 0o600 })
    met({ server, label, file, key: shown })
  } catch (error) {
    note(`${label} is not known, and its host key could not be recorded: ${(error as Error).message}: ${shown}`)
  }
}

function changed({ server, label }: Peer, { knownAs }: SshSettings, known: KnownHost, key: Buffer): JijiError {
  return new JijiError(
    'server.host-key',
    `${label} shows another host key than the known one: ${known.file}:${known.line} has ${known.type} ${fingerprint(known.key)}, ` +
      `the server shows ${typeOf(key)} ${fingerprint(key)}`,
    {
      server,
      hint:
        'if the server was installed anew, forget its old key and try again; if not, somebody may be listening in between\n' +
        `ssh-keygen -R '${knownAs}' -f ${known.file}`,
    },
  )
}

function revoked({ server, label }: Peer, known: KnownHost, key: Buffer): JijiError {
  return new JijiError(
    'server.host-key',
    `${label} shows a host key that ${known.file}:${known.line} declares revoked: ${typeOf(key)} ${fingerprint(key)}`,
    { server, hint: `give the server a new host key, or remove line ${known.line} of ${known.file} if it is wrong` },
  )
}

function revokedByFile(
  { server, label }: Peer,
  { revokedKeys: file }: SshSettings,
  key: Buffer,
): JijiError | undefined {
  const shown = `${typeOf(key)} ${fingerprint(key)}`
  try {
    if (file === undefined || !isRevokedBy(file, key)) return undefined
    const message = `${label} shows a host key that ${file} declares revoked: ${shown}`
    return new JijiError('server.host-key', message, { server, hint: 'give the server a new host key' })
  } catch (error) {
    const message = `whether the host key of ${label} is revoked cannot be known: ${(error as Error).message}`
    const hint = `your ssh configuration has RevokedHostKeys ${file}`
    return new JijiError('server.host-key', message, { server, hint, cause: error })
  }
}

function notKnown(
  { server, label }: Peer,
  { knownAs, knownHostsFiles }: SshSettings,
  key: Buffer,
  voucher: string | undefined,
): JijiError {
  const line = knownHostLine(knownAs, key, { hashed: false }).trim()
  const why = voucher ? `; ${voucher}, which jiji cannot ask` : ''
  return new JijiError(
    'server.host-key',
    `${label} has a host key that is not known: ${typeOf(key)} ${fingerprint(key)}${why}`,
    {
      server,
      hint:
        'compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` (or ecdsa, rsa) says on the server itself, then add it\n' +
        `echo '${line}' >> ${knownHostsFiles[0] ?? '~/.ssh/known_hosts'}`,
    },
  )
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
