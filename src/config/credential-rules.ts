import { authKind } from './auth-kinds.ts'
import { canonicalRepository } from './image-name.ts'
import type { Finding } from './issues.ts'
import { nearest } from './nearest.ts'
import { registryHost, registryKey } from './registry-key.ts'
import type { Settings } from './schema.ts'

type Declared = Settings['registries'][string] | Settings['builder']['registry']
type Key = 'username' | 'password' | 'key' | 'key_file'

/** How the keys of one credential must agree. The server is known to be one. */
export function credentialRules(path: readonly string[], declared: Declared, isWanted: boolean): Finding[] {
  const { auth } = declared
  if (auth === 'password') return passwordRules(path, declared, isWanted)
  return [
    ...unused(path, declared, auth === 'gcp-service-account' ? ['password'] : ['password', 'key', 'key_file']),
    ...usernameRule(path, declared),
    ...(auth === 'gcp-service-account' ? keyRules(path, declared) : hostRule(path, declared)),
  ]
}

/** The image's own `registry: NAME`: a declared one, of the host that the image comes from. */
export function namedRegistryRules(settings: Settings): Finding[] {
  return Object.entries(settings.services).flatMap(([service, { registry, image }]): Finding[] => {
    if (registry === undefined) return []
    const finding = { path: ['services', service, 'registry'], at: 'value' as const }
    const known = Object.keys(settings.registries)
    const named = Object.hasOwn(settings.registries, registry) ? settings.registries[registry] : undefined
    if (!named) {
      const meant = nearest(registry, known)
      const hint = meant
        ? `did you mean ${meant}?`
        : known.length > 0
          ? `declared under registries: ${known.join(', ')}`
          : 'declare it under registries'
      return [{ ...finding, code: 'unknown-registry', message: `there is no registry ${registry}`, hint }]
    }
    if (image === undefined) {
      const message = 'registry is for an image that is only pulled'
      return [{ ...finding, at: 'key', code: 'conflict', message, hint: 'what is built goes to builder.registry' }]
    }
    const [host, own] = [hostOf(image, true), hostOf(named.server, false)]
    if (host === undefined || own === undefined || host === own) return []
    const message = `the image comes from ${host}, and ${registry} is a credential for ${own}`
    return [{ ...finding, code: 'conflict', message, hint: 'a credential is sent to its own registry only' }]
  })
}

function passwordRules(path: readonly string[], declared: Declared, isWanted: boolean): Finding[] {
  const { username, password } = declared
  const findings = unused(path, declared, ['key', 'key_file'], 'gcp-service-account')
  if (findings.length > 0) return findings
  if (password && !username)
    return [missing(path, 'username', 'password', 'a password alone cannot log in', 'add `username`')]
  const hint = 'add `password: REGISTRY_PASSWORD`, the name of a secret'
  if (username && !password) return [missing(path, 'password', 'username', 'a user name alone cannot log in', hint)]
  if (!username && isWanted)
    return [missing(path, 'username', undefined, 'expected text', 'add `username` and `password`')]
  return []
}

function keyRules(path: readonly string[], { key, key_file }: Declared): Finding[] {
  if (key && key_file) {
    return [
      { path: [...path, 'key_file'], at: 'key', code: 'conflict', message: 'key and key_file exclude each other' },
    ]
  }
  if (key || key_file) return []
  const hint = 'add `key: GCP_KEY`, the name of a secret, or `key_file: ./key.json`'
  return [missing(path, 'key or key_file', 'auth', 'gcp-service-account needs one', hint)]
}

function usernameRule(path: readonly string[], { auth, username }: Declared): Finding[] {
  const usual = authKind(auth).username
  if (auth === 'github' || username === undefined || username === usual) return []
  const message = `with auth: ${auth} the username is ${usual}`
  return [{ path: [...path, 'username'], at: 'value', code: 'conflict', message, hint: 'remove `username`' }]
}

/** A token must not be sent to somebody else's registry. */
function hostRule(path: readonly string[], { auth, server }: Declared): Finding[] {
  const { mint, hosts } = authKind(auth)
  const host = hostOf(server ?? '', false)
  if (host === undefined || mint?.(host)) return []
  const message = `auth: ${auth} is for ${hosts}, not for ${host}`
  return [{ path: [...path, 'auth'], at: 'value', code: 'conflict', message }]
}

function unused(path: readonly string[], declared: Declared, keys: readonly Key[], kind?: string): Finding[] {
  return keys
    .filter(key => declared[key] !== undefined)
    .map(key => ({
      path: [...path, key],
      at: 'key',
      code: 'conflict',
      message: `auth: ${declared.auth} has no ${key}`,
      hint: kind ? `remove \`${key}\`, or write auth: ${kind}` : `remove \`${key}\``,
    }))
}

function missing(path: readonly string[], what: string, at: string | undefined, why: string, hint: string): Finding {
  const message = `${what} is missing: ${why}`
  return { path: at === undefined ? [...path] : [...path, at], at: 'key', code: 'missing-key', message, hint }
}

/** Undefined for what is no name of a registry or an image: other rules say so. */
function hostOf(written: string, isImage: boolean): string | undefined {
  try {
    return registryHost(isImage ? canonicalRepository(written) : registryKey(written))
  } catch {
    return undefined
  }
}
