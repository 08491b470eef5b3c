import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../config/secret.ts'
import { authFile } from '../shell/engine.ts'
import type { Login } from '../shell/images.ts'

type DockerConfig = { auths?: Record<string, unknown>; credHelpers?: Record<string, string> }

/**
 * This machine's Docker configuration with our logins in it, for one build or push. The user's own logins and context
 * stay valid; an empty entry in `credHelpers` makes Docker read our login instead of asking a keychain for it.
 */
export function dockerConfigWith(logins: readonly Login[]): Secret | undefined {
  if (logins.length === 0) return undefined
  const config = ownConfig()
  const names = logins.map(({ password }) => password.name).join(', ')
  for (const { key, username, password } of logins) {
    const { auths } = JSON.parse(authFile('docker', key, username, password).reveal()) as DockerConfig
    config.auths = { ...config.auths, ...auths }
    if ('credsStore' in config || config.credHelpers) {
      config.credHelpers = {
        ...config.credHelpers,
        ...Object.fromEntries(Object.keys(auths ?? {}).map(host => [host, ''])),
      }
    }
  }
  return new Secret(names, JSON.stringify(config))
}

function ownConfig(): DockerConfig {
  try {
    const folder = process.env.DOCKER_CONFIG || join(homedir(), '.docker')
    const config: unknown = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
    return typeof config === 'object' && !Array.isArray(config) ? { ...config } : {}
  } catch {
    return {}
  }
}
