import type { Config, Server } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'

/** The server that hands built images on to this one by the configuration, if this deploy brings it any of them. */
export function seedOf({ builder }: Config, { services }: Selected, { name, seed }: Server): { seed?: string } {
  if (!seed || builder.registry.type !== 'local') return {}
  const areShared = services.some(({ build, servers }) => build && servers.includes(name) && servers.includes(seed))
  return areShared ? { seed } : {}
}
