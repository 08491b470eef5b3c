import { lifetimeOf } from '../config/auth-kinds.ts'
import type { Credential } from '../config/config.ts'
import { canonicalRepository } from '../config/image-name.ts'
import { registryHost } from '../config/registry-key.ts'
import { JijiError } from '../errors.ts'
import { type Answer, type Declared, longestCovering } from './credential-helper.ts'

const apiVersion = 'credentialprovider.kubelet.k8s.io/v1'

/** A kubelet's exec credential provider: an image in, the login for it out, or none. */
export async function answerKubelet(input: string, { credentials, secretOf }: Declared): Promise<Answer> {
  const name = canonicalRepository(imageOf(input))
  const credential = longestCovering(credentials, name)
  if (!credential) return response({ cacheKeyType: 'Image', cacheDuration: '0s', auth: {} })
  const secret = await secretOf(credential)
  const { key, username } = credential
  return response({
    cacheKeyType: hasNamespaces(credentials, registryHost(key)) ? 'Image' : 'Registry',
    ...durationOf(credential),
    auth: { [key]: { username, password: secret.reveal() } },
  })
}

/** An answer for the whole host may be used for the host's other images, which with namespaces need others. */
function hasNamespaces(credentials: readonly Credential[], host: string): boolean {
  return credentials.some(({ key }) => key !== host && registryHost(key) === host)
}

/** Half the life, so that what comes out of the kubelet's cache is good for some time yet; else the kubelet's own. */
function durationOf({ auth }: Credential): { cacheDuration?: string } {
  const lifetime = lifetimeOf(auth)
  return lifetime === undefined ? {} : { cacheDuration: `${Math.floor(lifetime / 2000)}s` }
}

function imageOf(input: string): string {
  const request = parse(input)
  if (request.kind !== 'CredentialProviderRequest' || typeof request.image !== 'string')
    throw new JijiError('usage', 'expected a CredentialProviderRequest with the name of an image')
  if (request.apiVersion !== apiVersion)
    throw new JijiError('usage', 'the kubelet asks in a version that is not known here', {
      hint: `write apiVersion: ${apiVersion} in its CredentialProviderConfig`,
    })
  return request.image
}

/** A request may hold a service account's token, and is not repeated. */
function parse(input: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(input))
  } catch {
    throw new JijiError('usage', 'expected a CredentialProviderRequest as JSON')
  }
}

function response(content: object): Answer {
  return { text: `${JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion, ...content })}\n`, isError: false }
}
