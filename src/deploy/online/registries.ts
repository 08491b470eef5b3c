import type { Config, Credential, Service } from '../../config/config.ts'
import type { Path } from '../../config/document.ts'
import { credentialFor } from '../../registry/credentials.ts'
import type { Cause } from '../../registry/verify/causes.ts'
import { codeOf, isFailed } from '../../registry/verify/findings.ts'
import { builtName } from '../../registry/verify/needs.ts'
import type { Check } from '../../registry/verify/proof.ts'
import type { Found } from './found.ts'

/** What checks of images have found, at the keys that say it otherwise: each once for all places that share it. */
export function foundInChecks(config: Config, checks: readonly Check[]): Found[] {
  const found = new Map<string, Found & { places: string[] }>()
  for (const check of checks) {
    const { cause, message = '', hint, place } = check
    // That a server could not be reached is said of the server.
    if (!cause || cause === 'server') continue
    for (const path of pathsOf(config, check, cause)) {
      const key = `${path.join('.')} ${message}`
      const code = isFailed(check) ? codeOf(cause) : 'registry'
      const known = found.get(key) ?? {
        path,
        isWarning: !isFailed(check),
        code,
        message,
        places: [],
        ...(hint ? { hint } : {}),
      }
      if (!known.places.includes(place)) known.places.push(place)
      found.set(key, known)
    }
  }
  return [...found.values()].map(({ places, ...one }) => ({
    ...one,
    message: `${one.message} (from ${places.join(', ')})`,
  }))
}

const ofCredential: readonly Cause[] = ['wrong-password', 'no-pull', 'no-push']
const ofImage: readonly Cause[] = ['no-tag', 'no-repository', 'no-credential']

function pathsOf(config: Config, { image }: Check, cause: Cause): Path[] {
  const services = config.services.filter(service => (service.image ?? builtName(config, service)) === image)
  const paths = services.map(service => pathOf(config, service, image, cause))
  return [...new Map(paths.map(path => [path.join('.'), path])).values()]
}

function pathOf(config: Config, { name, image: written, registry }: Service, image: string, cause: Cause): Path {
  const credential = credentialFor(config, image, registry)
  if (credential && ofCredential.includes(cause)) return credential.secret.path
  if (written !== undefined && (ofImage.includes(cause) || !credential)) return ['services', name, 'image']
  return serverOf(credential)
}

function serverOf(credential: Credential | undefined): Path {
  return credential && credential.name !== 'builder.registry'
    ? ['registries', credential.name, 'server']
    : ['builder', 'registry', 'server']
}
