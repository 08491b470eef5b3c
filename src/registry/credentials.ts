import type { Config, Credential } from '../config/config.ts'
import { credentialsOf } from '../config/config.ts'
import { canonicalRepository } from '../config/image-name.ts'
import { covers, registryHost } from '../config/registry-key.ts'
import type { Secret } from '../config/secret.ts'
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
function candidatesFor(config: Config, image: string): Credential[] {
  const name = canonicalRepository(image)
  return credentialsOf(config)
    .filter(({ key }) => covers(key, name))
    .toSorted((a, b) => b.key.length - a.key.length)
}

type Explanation = {
  credential: Credential | undefined
  /** Why it is this one, or none. */
  because: string
  /** The names of the credentials that are declared for each key that covers the image. */
  declared: ReadonlyMap<string, readonly string[]>
}

/** How the credential for an image is found, for people who wonder. */
export function explain(config: Config, image: string): Explanation {
  const name = canonicalRepository(image)
  const candidates = candidatesFor(config, image)
  const declared = new Map(
    candidates.map(({ key }) => [key, candidates.filter(one => one.key === key).map(({ name }) => name)]),
  )
  const service = config.services.find(one => one.registry && one.image && canonicalRepository(one.image) === name)
  if (service?.registry) {
    const credential = credentialFor(config, image, service.registry)
    return { credential, because: `services.${service.name}.registry names it`, declared }
  }
  const [credential] = candidates
  return {
    credential,
    because: credential
      ? `${credential.key} is the longest key that covers the name`
      : 'no key that is declared covers the name',
    declared,
  }
}

export function loginFor(config: Config, secrets: Secrets, image: string, named?: string): Login | undefined {
  const credential = credentialFor(config, image, named)
  return credential && asLogin(credential, secrets)
}

export function asLogin(credential: Credential, secrets: Secrets): Login {
  const { key, username } = credential
  return { key, username, password: passwordOf(credential, secrets) }
}

/** Without the end of the line that came along when it was pasted into a CI system: engines take that off as well. */
export function passwordOf({ secret }: Credential, secrets: Secrets): Secret {
  return secrets.of(secret).map(value => value.replace(/[\r\n]+$/, ''))
}

/**
 * Docker keeps one login per host, while a configuration may have several namespaces there: the one that stands for the
 * host itself is meant, else the first that is declared.
 */
export function hostCredential<T extends { key: string }>(all: readonly T[], host: string): T | undefined {
  return all.find(({ key }) => key === host) ?? all.find(({ key }) => registryHost(key) === host)
}
