import type { Config, Service } from '../../config/config.ts'
import { repositoryOf } from '../../config/image-name.ts'
import type { Selected } from '../../config/select.ts'
import type { Plan } from './plan.ts'

/** What must be built, which is known before any server has been asked. */
export function buildsOf(config: Config, { services }: Selected, version: string): Plan['builds'] {
  return services.flatMap(service => (service.build ? [buildOf(config, service, version)] : []))
}

function buildOf(config: Config, service: Service, version: string): Plan['builds'][number] {
  const archs = new Set(config.servers.filter(({ name }) => service.servers.includes(name)).map(({ arch }) => arch))
  const platforms = [...archs].map(arch => (arch ? `linux/${arch}` : ''))
  return { service: service.name, name: imageName(config, service, version), platforms }
}

/** The full name that a service's image has everywhere. */
export function imageName(config: Config, service: Service, version: string): string {
  return service.image ?? `${repositoryOf(config.builder.registry, config.project, service.name)}:${version}`
}
