import type { Engine } from '../config/config.ts'
import { canonicalRepository } from '../config/image-name.ts'
import { covers, registryHost } from '../config/registry-key.ts'
import type { Login } from '../shell/images.ts'
import { hostCredential } from './credentials.ts'

/**
 * The logins that a build can use. Podman takes all; Docker, BuildKit too, asks for one per host, and then the one that
 * counts covers an image that the Dockerfile begins with, or else the cache.
 */
export function loginsForBuild(
  engine: Engine,
  logins: readonly Login[],
  dockerfile: string,
  cache?: string,
): { logins: readonly Login[]; leftOut: readonly Login[] } {
  if (engine === 'podman') return { logins, leftOut: [] }
  const needed = [
    ...new Set(
      [...baseImages(dockerfile), ...(cache ? [canonicalRepository(cache)] : [])].flatMap(
        base => longest(logins, base) ?? [],
      ),
    ),
  ]
  const hosts = [...new Set(logins.map(({ key }) => registryHost(key)))]
  const isOf = (host: string) => (login: Login) => registryHost(login.key) === host
  const chosen = hosts.flatMap(host => needed.find(isOf(host)) ?? hostCredential(logins, host) ?? [])
  return { logins: chosen, leftOut: needed.filter(login => !chosen.includes(login)) }
}

function longest(logins: readonly Login[], base: string): Login | undefined {
  return logins.filter(({ key }) => covers(key, base)).toSorted((a, b) => b.key.length - a.key.length)[0]
}

/** The images of FROM and COPY --from, in canonical form; stages and names made of variables are none of them. */
function baseImages(dockerfile: string): string[] {
  const names = [...dockerfile.matchAll(/^\s*(?:FROM\s+(?:--\S+\s+)*|COPY\s+(?:--\S+\s+)*--from=)(\S+)/gim)]
  return names.flatMap(([, name = '']) => {
    try {
      return name.includes('$') || /^\d+$/.test(name) ? [] : [canonicalRepository(name)]
    } catch {
      return []
    }
  })
}
