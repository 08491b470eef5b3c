import type { Config, Credential } from '../config/config.ts'
import { credentialsOf } from '../config/config.ts'
import { canonicalRepository } from '../config/image-name.ts'
import { covers } from '../config/registry-key.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Login } from '../shell/images.ts'

/**
 * The credential for an image: the one that its service names, else the one with the longest key that is a path-wise
 * prefix of its name, else none.
 */
export function credentialFor(config: Config, image: string, named?: string): Credential | undefined {
  if (named !== undefined) return config.registries.find(({ name }) => name === named)
  return candidatesFor(config, image)[0]
}

/** Every credential that covers an image, the best first. */
export function candidatesFor(config: Config, image: string): Credential[] {
  const name = canonicalRepository(image)
  return credentialsOf(config)
    .filter(({ key }) => covers(key, name))
    .toSorted((a, b) => b.key.length - a.key.length)
}

export function loginFor(config: Config, secrets: Secrets, image: string, named?: string): Login | undefined {
  const credential = credentialFor(config, image, named)
  return credential && asLogin(credential, secrets)
}

export function asLogin({ key, username, secret }: Credential, secrets: Secrets): Login {
  return { key, username, password: secrets.of(secret) }
}
