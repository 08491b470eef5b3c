import type { Config, Credential } from '../config/config.ts'
import { credentialsOf } from '../config/config.ts'
import { canonicalRepository } from '../config/image-name.ts'
import { covers } from '../config/registry-key.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Login } from '../shell/images.ts'

/** The credential for an image: the one with the longest key that is a path-wise prefix of its name, or none. */
export function credentialFor(config: Config, image: string): Credential | undefined {
  const name = canonicalRepository(image)
  return credentialsOf(config)
    .filter(({ key }) => covers(key, name))
    .toSorted((a, b) => b.key.length - a.key.length)[0]
}

export function loginFor(config: Config, secrets: Secrets, image: string): Login | undefined {
  const credential = credentialFor(config, image)
  return credential && asLogin(credential, secrets)
}

export function asLogin({ key, username, password }: Credential, secrets: Secrets): Login {
  return { key, username, password: secrets.of(password) }
}
