import { lifetimeOf } from '../../config/auth-kinds.ts'
import { yamlText } from '../../config/yaml-text.ts'
import { asComments, type Declared, type ExportFile, headerLines, type Origin } from './credential.ts'

/** How long a kubelet keeps an answer where nothing expires: a secret that is changed must come through some time. */
const unhurried = 600_000

/** Makes the kubelet ask `docker-credential-jiji` on its node for each image of these registries. */
export function kubeletConfig(credentials: readonly Declared[], origin: Origin): ExportFile {
  const provider = {
    name: 'docker-credential-jiji',
    matchImages: credentials.map(({ key }) => key),
    defaultCacheDuration: `${cacheSeconds(credentials)}s`,
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    args: ['kubelet'],
  }
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1',
    kind: 'CredentialProviderConfig',
    providers: [provider],
  }
  const advice = 'The program reads the configuration that JIJI_CONFIG names; give it that under `env`.'
  return {
    name: 'credential-provider.yaml',
    contents: asComments([...headerLines(origin, credentials), advice]) + yamlText(config),
  }
}

/** Half a life, so that what comes out of the cache is good for some time yet; the shortest holds for all. */
function cacheSeconds(credentials: readonly Declared[]): number {
  const times = credentials.map(({ auth }) => {
    const lifetime = lifetimeOf(auth)
    return lifetime === undefined ? unhurried : lifetime / 2
  })
  return Math.floor(Math.min(...times) / 1000)
}
