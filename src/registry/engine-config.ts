import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../config/config.ts'
import { registryHost } from '../config/registry-key.ts'
import { Secret } from '../config/secret.ts'
import { authFile, hostEntry } from '../shell/engine.ts'
import type { Login } from '../shell/images.ts'

type DockerConfig = { auths?: Record<string, unknown>; credHelpers?: Record<string, string> }

/** The logins of this machine's user with ours among them, for one build or push. */
export function engineConfigWith(engine: Engine, logins: readonly Login[]): Secret | undefined {
  return engine === 'docker' ? dockerConfigWith(logins) : podmanAuthWith(logins)
}

/** The same without anything of this machine's user, for an engine that is elsewhere. */
export function engineConfigOf(engine: Engine, logins: readonly Login[]): Secret | undefined {
  if (logins.length === 0) return undefined
  const auths = authsOf(logins, ({ key }) => (engine === 'docker' ? hostEntry('docker', key) : key))
  return new Secret(namesOf(logins), JSON.stringify({ auths }))
}

/**
 * This machine's Docker configuration with our logins in it. The user's own logins and context stay
 * valid; an empty entry in `credHelpers` makes Docker read our login instead of asking a keychain for it.
 */
function dockerConfigWith(logins: readonly Login[]): Secret | undefined {
  if (logins.length === 0) return undefined
  const config = readConfig(dockerFile())
  const ours = authsOf(logins, ({ key }) => hostEntry('docker', key))
  config.auths = { ...config.auths, ...ours }
  if ('credsStore' in config || config.credHelpers) {
    config.credHelpers = { ...config.credHelpers, ...Object.fromEntries(Object.keys(ours).map(host => [host, ''])) }
  }
  return new Secret(namesOf(logins), JSON.stringify(config))
}

/** The same for Podman, which keeps a login for each namespace, and with a file that it is given reads no other. */
function podmanAuthWith(logins: readonly Login[]): Secret | undefined {
  if (logins.length === 0) return undefined
  const own = podmanFiles().map(readConfig)
  const ours = Object.entries(authsOf(logins, ({ key }) => key))
  const auths = Object.fromEntries([...own.flatMap(({ auths }) => Object.entries(auths ?? {})), ...ours])
  const helpers = own.flatMap(({ credHelpers }) => Object.entries(credHelpers ?? {}))
  const isOurs = ([host]: [string, unknown]) => logins.some(({ key }) => registryHost(key) === host)
  const credHelpers = Object.fromEntries(helpers.filter(helper => !isOurs(helper)))
  return new Secret(namesOf(logins), JSON.stringify({ auths, credHelpers }))
}

/** Where Podman looks for logins, the file that it prefers last. */
function podmanFiles(): string[] {
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = process.env
  if (REGISTRY_AUTH_FILE) return [REGISTRY_AUTH_FILE]
  return [
    dockerFile(),
    join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'containers/auth.json'),
    XDG_RUNTIME_DIR
      ? join(XDG_RUNTIME_DIR, 'containers/auth.json')
      : `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
  ]
}

function dockerFile(): string {
  return join(process.env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json')
}

function authsOf(logins: readonly Login[], entryOf: (login: Login) => string): Record<string, unknown> {
  const files = logins.map(login => JSON.parse(authFile(entryOf(login), login).reveal()) as DockerConfig)
  return Object.fromEntries(files.flatMap(({ auths }) => Object.entries(auths ?? {})))
}

function namesOf(logins: readonly Login[]): string {
  return [...new Set(logins.map(({ password }) => password.name))].join(', ')
}

/** A file that is not there, or holds something else, counts as empty: what is nested too deep to be written, too. */
function readConfig(file: string): DockerConfig {
  try {
    if (!statSync(file).isFile()) return {} // a device or a pipe may have no end
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'))
    JSON.stringify(config)
    if (!isMap(config)) return {}
    const { auths, credHelpers, ...rest } = config
    return {
      ...rest,
      ...(isMap(auths) ? { auths } : {}),
      ...(isMap(credHelpers) ? { credHelpers: credHelpers as Record<string, string> } : {}),
    }
  } catch {
    return {}
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
