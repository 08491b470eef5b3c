import { JijiError } from '../errors.ts'

const dockerHubHosts = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/**
 * The canonical name of a registry, `host[:port][/namespace]`: one function for the configuration, the command line
 * and images. Idempotent; any text gives a key or an error, which never repeats a password that was in the text.
 * @throws JijiError config.invalid
 */
export function registryKey(written: string): string {
  const bare = written
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/[?#].*$/s, '')
  if (bare.includes('@')) throw notAKey('holds user information or a digest', 'write host[:port][/namespace] only')
  const quote = (part: string) => (written.includes('@') ? 'it holds an @' : JSON.stringify(part))
  const [authority = '', ...segments] = bare.toLowerCase().split('/')
  const path = segments.filter(segment => segment !== '')
  const match = /^(?<host>\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?)(:(?<port>\d{1,5}))?$/.exec(authority)
  // What stands after a colon and is no port may be a password.
  const shown = authority.replace(/:(?!\d+$).*$/s, ':…')
  if (!match?.groups) throw notAKey(`has no host name that can be used: ${quote(shown)}`)
  if (path.some(segment => segment.includes(':'))) throw notAKey('holds a tag', 'write host[:port][/namespace] only')
  if (path.some(segment => !/^[a-z0-9]+([._-]+[a-z0-9]+)*$/.test(segment))) {
    throw notAKey(`has a namespace that no registry allows: ${quote(path.join('/'))}`)
  }
  const port = match.groups.port === undefined ? undefined : Number(match.groups.port)
  if (port === 0 || (port ?? 0) > 65_535) throw notAKey(`has a port that does not exist: ${port}`)
  return fold(match.groups.host ?? '', port?.toString(), path)
}

/** The host part of a key, with its port. */
export function registryHost(key: string): string {
  return key.split('/', 1)[0] ?? key
}

/** Whether a credential for `key` is meant for `name`, a canonical `host/repository`: path-wise, not by letters. */
export function covers(key: string, name: string): boolean {
  return name === key || name.startsWith(`${key}/`)
}

/** A name and all that it stands under, the longest first: `a.b/c/d`, `a.b/c`, `a.b`. */
export function prefixesOf(name: string): string[] {
  const parts = name.split('/')
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
}

function fold(host: string, port: string | undefined, path: string[]): string {
  if (dockerHubHosts.has(host) && (port === undefined || port === '443')) {
    const isAddress = host !== 'docker.io' && /^v[12]$/.test(path[0] ?? '')
    return ['docker.io', ...(isAddress ? path.slice(1) : path)].join('/')
  }
  // A word without a dot, a port or the name localhost is a namespace of Docker Hub, as in `docker pull owner/app`.
  const isWord = !/[.:]/.test(host) && host !== 'localhost'
  if (isWord && port === undefined) return ['docker.io', host, ...path].join('/')
  return [port === undefined || (port === '443' && !isWord) ? host : `${host}:${port}`, ...path].join('/')
}

function notAKey(
  why: string,
  hint = 'a registry is written as host[:port][/namespace], for example ghcr.io/your-org',
): JijiError {
  return new JijiError('config.invalid', `the registry's name ${why}`, { hint })
}
