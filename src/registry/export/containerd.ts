import { registryHost } from '../../config/registry-key.ts'
import { hostOfApi } from '../protocol/origin.ts'
import { asComments, type ExportFile, type Held, headerLines, type Origin } from './credential.ts'
import { quotedString } from './quoted.ts'

/**
 * A configuration for the `imports` of containerd's own, with a login per host for its CRI plug-in. It is looked up by the
 * host that is really asked, which for Docker Hub is another than images are named by.
 */
export function containerdConfig(credentials: readonly Held[], origin: Origin): ExportFile {
  const tables = credentials.map(({ key, username, password }) => {
    const host = hostOfApi(registryHost(key))
    return `
[plugins."io.containerd.grpc.v1.cri".registry.configs.${quotedString(host)}.auth]
  username = ${quotedString(username)}
  password = ${quotedString(password.reveal())}
`
  })
  return {
    name: 'registries.toml',
    contents: `${asComments(headerLines(origin, credentials))}version = 2\n${tables.join('')}`,
  }
}
