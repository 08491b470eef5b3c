import { createHash } from 'node:crypto'
import type { Service, Target } from '../config/config.ts'
import type { OwnCertificate } from '../config/own-certificates.ts'
import { type Slot, slotName } from './names.ts'
import { type Entry, hostBlocks, lower, redirectBlocks, type Where } from './site-blocks.ts'

/** What a project tells the proxy of a server: its site file, and the certificates that this names. */
export type Site = {
  project: string
  hosts: readonly string[]
  /** Those that are behind the proxy. */
  services: readonly string[]
  /** Files by the names of the secrets that they are made of. */
  certificates: Readonly<Record<string, string>>
  hash: string
  text: string
  /** Certificates that go to the server with it. */
  brings: readonly OwnCertificate[]
}

/** The first line of a site file says whose it is, for other projects and for the next deploy. */
export type SiteHeading = Omit<Site, 'text' | 'brings'>

/** A service behind the proxy. A slot keeps the ports and the number of what stands there, whatever the next one has. */
export type Route = { name: string; proxy: NonNullable<Service['proxy']>; slots: Readonly<Record<Slot, SlotRoute>> }

type SlotRoute = { ports: readonly number[]; replicas: number }

export function renderSite(where: Where, routes: readonly Route[], brings: readonly OwnCertificate[] = []): Site {
  const entries = routes.flatMap(route => entriesOf(where.scope, route))
  const blocks = [
    ...together(entries).flatMap(({ hosts, entries }) => hostBlocks(where, hosts, entries)),
    ...entries.flatMap(({ target }) => redirectBlocks(where, target)),
  ]
  const body = blocks.map(line => `${line}\n`).join('')
  const heading: SiteHeading = {
    project: where.scope,
    hosts: [...new Set(entries.flatMap(({ target: { hosts, redirect_from } }) => lower([...hosts, ...redirect_from])))],
    services: routes.map(({ name }) => name),
    certificates: where.certificates,
    hash: createHash('sha256').update(body).digest('hex').slice(0, 16),
  }
  return { ...heading, text: `# ${JSON.stringify(heading)}\n${body}`, brings }
}

/**
 * Which port each target has in a container that was made for other targets, perhaps: undefined for one that it does not
 * have. Targets whose port it does not know get the ports that no other has, in their order.
 */
export function portsIn(targets: readonly Target[], ports: readonly number[] = []): (number | undefined)[] {
  const left = ports.filter(port => !targets.some(({ app_port }) => app_port === port))
  const has = (port: number) => ports.length === 0 || ports.includes(port)
  return targets.map(({ app_port }) => (has(app_port) ? app_port : left.shift()))
}

function entriesOf(scope: string, { name, proxy: { targets }, slots }: Route): Entry[] {
  const ports = { a: portsIn(targets, slots.a.ports), b: portsIn(targets, slots.b.ports) }
  return targets.map((target, index) => {
    const upstreams = (slot: Slot) =>
      Array.from(
        { length: slots[slot].replicas },
        (_, replica) => `${slotName(scope, name, slot, replica + 1)}:${ports[slot][index] ?? target.app_port}`,
      )
    return { target, name, upstreams: { a: upstreams('a'), b: upstreams('b') } }
  })
}

/** Hosts that have the same targets share a block, in which the longest prefix comes first. */
function together(entries: readonly Entry[]): { hosts: string[]; entries: Entry[] }[] {
  const groups = new Map<string, { hosts: string[]; entries: Entry[] }>()
  for (const host of new Set(entries.flatMap(({ target }) => lower(target.hosts)))) {
    const own = entries.filter(({ target }) => lower(target.hosts).includes(host))
    const key = own.map(entry => entries.indexOf(entry)).join(' ')
    const length = ({ target }: Entry) => target.path_prefix?.length ?? 0
    const group = groups.get(key) ?? { hosts: [], entries: own.toSorted((a, b) => length(b) - length(a)) }
    group.hosts.push(host)
    groups.set(key, group)
  }
  return [...groups.values()]
}
