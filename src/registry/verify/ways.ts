import type { Engine } from '../../config/config.ts'
import { readWays } from '../../shell/trust.ts'
import type { Place } from '../places.ts'
import { asObject, objectIn } from '../protocol/words.ts'
import type { Cause } from './causes.ts'

/**
 * Whether an engine has a way of its own to a registry, other than the one that a check takes: then that the check
 * does not get through says nothing.
 */
export async function ownWay({ runner, engine }: Place, host: string, signal: AbortSignal): Promise<Cause | undefined> {
  const { stdout } = await runner.run(readWays(engine), { signal, timeout: 20_000 })
  return wayIn(stdout, engine, host)
}

export function wayIn(text: string, engine: Engine, host: string): Cause | undefined {
  if (/^proxy$/m.test(text)) return 'proxy'
  const info = objectIn(text.slice(Math.max(0, text.indexOf('{')))) ?? {}
  const { proxy, without } = info
  if (engine === 'docker' && typeof proxy === 'string' && proxy !== '' && !isExempt(host, without)) return 'proxy'
  const registries = asObject(info.registries)
  const own = asObject(asObject(registries?.IndexConfigs)?.[host])
  const mirrored = asObject(asObject(info.mirrored)?.[host])
  const mirrors = [host === 'docker.io' ? registries?.Mirrors : undefined, mirrored?.Mirrors].flat().filter(Boolean)
  if (mirrors.length > 0) return 'mirror'
  return own?.Secure === false || mirrored?.Insecure === true ? 'insecure-registry' : undefined
}

function isExempt(host: string, without: unknown): boolean {
  const name = host.replace(/:\d+$/, '')
  const names = typeof without === 'string' ? without.split(',').map(one => one.trim().replace(/^\*?\./, '')) : []
  return names.some(one => one === '*' || (one !== '' && (name === one || name.endsWith(`.${one}`))))
}
