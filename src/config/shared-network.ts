import type { Config, Service } from './config.ts'
import type { Selected } from './select.ts'

type Networked = Pick<Service, 'network_mode'>

/** The service whose container's network a service shares, where it has none of its own. */
export function networkOwner(service: Networked | undefined): string | undefined {
  const [, owner] = /^service:(.+)$/.exec(service?.network_mode ?? '') ?? []
  return owner
}

/** A selection with what shares the network of a selected service: without that container it has no network any more. */
export function withSharers(config: Config, selected: Selected): Selected {
  const services = config.services.flatMap(service => {
    const chosen = selected.services.find(({ name }) => name === service.name)
    const owner = selected.services.find(({ name }) => name === networkOwner(service))
    const isMeant = (server: string) => chosen?.servers.includes(server) || owner?.servers.includes(server)
    const servers = service.servers.filter(isMeant)
    return servers.length > 0 ? [{ ...service, servers }] : []
  })
  return { ...selected, services }
}
