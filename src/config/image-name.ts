import { JijiError } from '../errors.ts'
import type { BuilderRegistry } from './config.ts'
import { registryHost, registryKey } from './registry-key.ts'

/**
 * The name that an image is pushed under, without its tag. The path is lower-cased, because registries allow nothing
 * else; the host's key is canonical.
 */
export function repositoryOf(registry: BuilderRegistry, project: string, service: string): string {
  if (registry.type === 'local') return `localhost:${registry.port}/${project}-${service}`
  const host = registryHost(registry.key)
  if (!needsNamespace(host)) return join(registry.key, registry.namespace, `${project}-${service}`)
  const namespace = registry.namespace ?? (registry.key.slice(host.length + 1) || registry.username)
  return join(host, namespace, host === 'ghcr.io' ? `${project}/${service}` : `${project}-${service}`)
}

/** Registries in which every image belongs to somebody: without a namespace the user's own is meant. */
export function needsNamespace(host: string): boolean {
  return host === 'ghcr.io' || host === 'docker.io'
}

/**
 * The canonical `host/repository` of an image that somebody wrote: `redis:7` is `docker.io/library/redis`.
 * @throws JijiError config.invalid
 */
export function canonicalRepository(image: string): string {
  const withoutDigest = image.replace(/@sha(256|384|512):[0-9a-f]+$/, '')
  const withoutTag = withoutDigest.replace(/:[^:/]*$/, '')
  const first = withoutTag.split('/', 1)[0] ?? ''
  const hasHost = withoutTag.includes('/') && /[.:]|^localhost$/.test(first)
  const key = registryKey(hasHost ? withoutTag : `docker.io/${withoutTag}`)
  if (!key.includes('/')) throw new JijiError('config.invalid', "the registry's name has no repository after it")
  return /^docker\.io\/[^/]+$/.test(key) ? key.replace('/', '/library/') : key
}

/** The name with the registry that it means, for an engine that knows none for short names. */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/')
  if (rest.length === 0) return `docker.io/library/${image}`
  return /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`
}

/**
 * Whether a text names a registry, and not an image: it has no path, or ends with a slash, or it is an address, or all
 * that follows the host is a namespace, as in `ghcr.io/owner`.
 */
export function isRegistryName(written: string): boolean {
  const text = written.trim()
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || text.endsWith('/')) return true
  const [first = '', ...rest] = text.split('/')
  if (rest.length === 0) return /^(localhost|\[.*\]|.*\..*)(:\d+)?$/.test(first)
  return rest.length === 1 && first.toLowerCase() === 'ghcr.io' && !/[:@]/.test(rest[0] ?? '')
}

function join(server: string, namespace: string | undefined, image: string): string {
  return [server, namespace?.toLowerCase(), image].filter(part => part).join('/')
}
