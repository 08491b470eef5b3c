import { registryHost } from '../../config/registry-key.ts'
import type { ExportFile, Held } from './credential.ts'
import { jsonText } from './docker.ts'

/** A file for each registry, as in /etc/rkt/auth.d: one that names a registry twice is refused there. */
export function rktAuth(credentials: readonly Held[], { isBasic }: { isBasic: boolean }): ExportFile[] {
  return credentials.map(({ key, username, password }) => {
    const host = registryHost(key) === 'docker.io' ? 'index.docker.io' : registryHost(key)
    const kind = isBasic
      ? { rktKind: 'auth', rktVersion: 'v1', domains: [host], type: 'basic' }
      : { rktKind: 'dockerAuth', rktVersion: 'v1', registries: [host] }
    return {
      name: `${host}.json`,
      contents: jsonText({ ...kind, credentials: { user: username, password: password.reveal() } }),
    }
  })
}
