import { createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls'
import type { Engine } from '../../config/config.ts'
import type { Runner } from '../../runner/runner.ts'
import { readBundle, readTrust } from '../../shell/trust.ts'
import { RequestFailed } from './failure.ts'

/** Authorities: some of their own, or those that Node has ready. */
export type Anchors = SecureContext | 'public'

/** What a place takes for genuine. TLS runs here, but what counts is what would be believed there. */
export type Trust = {
  /**
   * Each is tried where the one before was not enough: what the engine there has for this registry alone, the public
   * authorities, and last, because it is long, all that the system there trusts. Undefined for one that is not there.
   */
  sets: readonly (() => Promise<Anchors | undefined>)[]
  /** @throws RequestFailed for a certificate that is not valid by the clock there */
  check(certificate: PeerCertificate): Promise<void>
}

/** What one place says of itself, asked once for all registries. */
export type Setting = {
  /** By how much its clock differs from the one here, in milliseconds. */
  skew: number
  authorities: ReadonlyMap<string, readonly string[]>
}

export async function readSetting(
  runner: Runner,
  engine: Engine,
  hosts: readonly string[],
  signal?: AbortSignal,
): Promise<Setting> {
  const { stdout } = await runner.run(readTrust(engine, hosts), { timeout: 20_000, ...(signal ? { signal } : {}) })
  const seconds = Number(/^clock (\d+)$/m.exec(stdout)?.[1] ?? Number.NaN)
  const parts = stdout.split(/^host /m).slice(1)
  return {
    skew: Number.isNaN(seconds) ? 0 : seconds * 1000 - Date.now(),
    authorities: new Map(parts.map(part => [part.split('\n', 1)[0] ?? '', certificatesIn(part)])),
  }
}

export function trustOf(runner: Runner, setting: Promise<Setting>, host: string, signal?: AbortSignal): Trust {
  const ownOnes = async () => (await setting).authorities.get(host) ?? []
  const own = once(async () => contextOf(await ownOnes()))
  const whole = once(async () => {
    const { stdout } = await runner.run(readBundle(), { timeout: 20_000, ...(signal ? { signal } : {}) })
    const system = certificatesIn(stdout)
    return system.length > 0 ? contextOf([...(await ownOnes()), ...system]) : undefined
  })
  return {
    sets: [async () => (await own()) ?? 'public', async () => ((await own()) ? 'public' : undefined), whole],
    check: async certificate => checkTime(certificate, (await setting).skew),
  }
}

function checkTime({ valid_from, valid_to }: PeerCertificate, skew: number): void {
  const there = Date.now() + skew
  if (there < Date.parse(valid_from) || there > Date.parse(valid_to))
    throw new RequestFailed('tls', 'clock', `the certificate is valid from ${valid_from} to ${valid_to}`)
}

/** Without the public authorities, which take a tenth of a second to read. */
function contextOf(ca: readonly string[]): SecureContext | undefined {
  return ca.length > 0 ? createSecureContext({ ca: [...ca] }) : undefined
}

/** One that is spoilt does no harm: it vouches for nothing. */
function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
