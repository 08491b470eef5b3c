import type { Config, Service } from '../../config/config.ts'
import { canonicalRepository, repositoryOf } from '../../config/image-name.ts'
import { registryHost } from '../../config/registry-key.ts'
import type { Secrets } from '../../config/secrets.ts'
import type { Login } from '../../shell/images.ts'
import { loginFor } from '../credentials.ts'

/** What one place must be able to do with one image. */
export type Need = {
  /** As it is written. */
  image: string
  host: string
  repository: string
  /** Its tag or digest. */
  reference: string
  login: Login | undefined
  /** It is built by this configuration: there may be nothing yet, not even its repository. */
  isBuilt: boolean
  pull: boolean
  push: boolean
}

type From = { config: Config; secrets: Secrets; services: readonly Service[]; version?: string }

/** What is pushed from here: the images that are built, unless their registry is the local one. */
export function needsHere({ config, secrets, services, version }: From): Need[] {
  if (config.builder.registry.type === 'local') return []
  return services.flatMap(service => {
    if (!service.build) return []
    const image = builtName(config, service, version)
    return [{ ...partsOf(image), login: loginFor(config, secrets, image), isBuilt: true, pull: false, push: true }]
  })
}

/** What a server pulls. */
export function needsOn(server: string, { config, secrets, services, version }: From): Need[] {
  const isLocal = config.builder.registry.type === 'local'
  const needs = services
    .filter(service => service.servers.includes(server) && (service.image !== undefined || !isLocal))
    .map(service => {
      const image = service.image ?? builtName(config, service, version)
      const login = loginFor(config, secrets, image, service.registry)
      return { ...partsOf(image), login, isBuilt: service.image === undefined, pull: true, push: false }
    })
  const passwordOf = ({ login }: Need) => login?.password.reveal()
  const isSame = (a: Need, b: Need) => a.image === b.image && passwordOf(a) === passwordOf(b)
  return needs.filter((need, index) => needs.findIndex(one => isSame(one, need)) === index)
}

/** For an image that somebody names: that it can be pulled, and from here pushed where this configuration does that. */
export function needsFor(image: string, { config, secrets, services }: From): { here: Need; there: Need } {
  const parts = partsOf(image)
  const isThis = (service: Service) =>
    service.image === undefined &&
    canonicalRepository(builtName(config, service)) === `${parts.host}/${parts.repository}`
  const isBuilt = config.builder.registry.type === 'remote' && services.some(isThis)
  const named = services.find(service => service.image === image)?.registry
  const there = { ...parts, login: loginFor(config, secrets, image, named), isBuilt, pull: true, push: false }
  return { here: { ...there, push: isBuilt }, there }
}

/** The name that a service's image gets here. */
export function builtName(config: Config, { name }: Service, version?: string): string {
  return [repositoryOf(config.builder.registry, config.project, name), version].filter(Boolean).join(':')
}

function partsOf(image: string): Pick<Need, 'image' | 'host' | 'repository' | 'reference'> {
  const name = canonicalRepository(image)
  const host = registryHost(name)
  const [withoutDigest = '', digest] = image.split('@')
  const tag = /:([^:/]+)$/.exec(withoutDigest)?.[1]
  return { image, host, repository: name.slice(host.length + 1), reference: digest ?? tag ?? 'latest' }
}
