import type { Config, Service } from '../../config/config.ts'
import { repositoryOf } from '../../config/image-name.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import type { Plan } from './plan.ts'

type Build = Plan['builds'][number]

/**
 * What must be built, which is known before any server has been asked.
 * @param builderArch what is meant by servers without `arch`
 */
export function buildsOf(config: Config, { services }: Selected, version: string, builderArch: string): Build[] {
  return services.flatMap(service => (service.build ? [buildOf(config, service, version, builderArch)] : []))
}

function buildOf(config: Config, service: Service, version: string, builderArch: string): Build {
  const archs = config.servers.filter(({ name }) => service.servers.includes(name)).map(({ arch }) => arch)
  const isSaid = archs.some(arch => arch !== undefined)
  const platforms = isSaid ? [...new Set(archs.map(arch => platformOf(arch ?? builderArch)))] : []
  if (platforms.length > 1) checkLength(version)
  return { service: service.name, name: imageName(config, service, version), platforms }
}

/** The images of a build, one for each architecture; several have each a tag of its own where they are built and pushed. */
export function imagesOf({ name, platforms }: Build): { name: string; platform: string | undefined }[] {
  if (platforms.length < 2) return [{ name, platform: platforms[0] }]
  return platforms.map(platform => ({ name: `${name}${suffixOf(platform)}`, platform }))
}

/** The name under which the image of a server's architecture was pushed, where that is not the one that it runs under. */
export function pushedName(builds: readonly Build[], service: string, arch: string): { pushed?: string } {
  const build = builds.find(one => one.service === service)
  const images = build ? imagesOf(build) : []
  const image = images.length > 1 && images.find(({ platform }) => platform === platformOf(arch))
  return image ? { pushed: image.name } : {}
}

/** The full name that a service's image has everywhere. */
export function imageName(config: Config, service: Service, version: string): string {
  return service.image ?? `${repositoryOf(config.builder.registry, config.project, service.name)}:${version}`
}

function platformOf(arch: string): string {
  return `linux/${arch}`
}

export function suffixOf(platform: string): string {
  return platform.replace(/^.*\//, '-')
}

/** A tag has 128 characters at most. */
function checkLength(version: string): void {
  if (version.length <= 120) return
  throw new JijiError('usage', `${version} is too long for a version whose images have several architectures`, {
    hint: 'it may have 120 characters: the architecture comes after it in the tags that are pushed',
  })
}
