import { JijiError } from '../../errors.ts'
import { basicAuth, hostEntry } from '../../shell/engine.ts'
import type { ExportFile, Held } from './credential.ts'

/** `config.json` of Docker; Docker keeps one login per host. */
export function dockerConfig(credentials: readonly Held[]): ExportFile {
  return {
    name: 'config.json',
    contents: jsonText({ auths: auths(credentials, ({ key }) => hostEntry('docker', key)) }),
  }
}

/** `auth.json` of Podman, Buildah, Skopeo and CRI-O, where a login may be for a namespace. */
export function podmanAuth(credentials: readonly Held[]): ExportFile {
  return { name: 'auth.json', contents: jsonText({ auths: auths(credentials, ({ key }) => key) }) }
}

/** Logins as the kubelet reads them: Docker's entries, also for namespaces. */
export function kubeletAuths(credentials: readonly Held[]): Record<string, { auth: string }> {
  return auths(credentials, ({ key }) => (key === 'docker.io' ? hostEntry('docker', key) : key))
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function auths(credentials: readonly Held[], nameOf: (credential: Held) => string): Record<string, { auth: string }> {
  return Object.fromEntries(credentials.map(one => [nameOf(one), { auth: authOf(one) }]))
}

/** Readers take what stands before the first colon for the user name, as HTTP itself does. */
function authOf({ name, username, password }: Held): string {
  if (username.includes(':')) {
    throw new JijiError('config.invalid', `${name}: a user name with a colon in it cannot log in to a registry`, {
      hint: `check the username of ${name}`,
    })
  }
  return basicAuth({ username, password }).reveal()
}
