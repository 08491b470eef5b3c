import { isIP } from 'node:net'
import type { Path } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import type { Host, Role } from './kamal-project.ts'
import { fitName, freeName } from './names.ts'
import type { Setting } from './setting.ts'
import type { Translation } from './translation.ts'

/** A list of servers is the role web; a role that is a list says nothing but its servers. */
export function readRoles(translation: Translation, top: Draft): Role[] {
  const { servers } = top
  const written: Record<string, unknown> = isMap(servers) ? servers : { web: servers }
  const names = Object.keys(written)
  const primary = typeof top.primary_role === 'string' ? top.primary_role : names.includes('web') ? 'web' : names[0]
  const taken: string[] = []
  return Object.entries(written).flatMap(([before, role]): Role[] => {
    if (role === undefined) return []
    const from = isMap(servers) ? ['servers', before] : ['servers']
    const own = isMap(role) ? role : {}
    const name = freeName(fitName(before, 30) ?? 'service', one => taken.includes(one))
    taken.push(name)
    const hosts = readHosts(isMap(role) ? role.hosts : role, isMap(role) ? [...from, 'hosts'] : from)
    for (const { tags, from: at } of hosts)
      if (tags.length > 0)
        translation.leave(at, 'servers have no tags: a variable for some of them is one of a service of its own')
    return [{ before, name, isPrimary: before === primary, hosts, own, from }]
  })
}

/** An address, or an address with tags. */
function readHosts(value: unknown, from: Path): Host[] {
  const items = Array.isArray(value) ? value : [value]
  return items.flatMap((item: unknown, index): Host[] => {
    const place = Array.isArray(value) ? [...from, index] : from
    if (typeof item === 'string') return [{ address: item, tags: [], from: place }]
    if (!isMap(item)) return []
    return Object.entries(item).map(([address, tags]) => ({ address, tags: [tags].flat().map(String), from: place }))
  })
}

/** Declares every server once: by the first part of its name, or by the role that it has first. */
export function nameServers(
  translation: Translation,
  roles: readonly Role[],
  { accessories, builder }: Draft,
  setting: Setting,
): Map<string, string> {
  const arch = archOf(translation, builder)
  const all = [
    ...roles.flatMap(({ hosts, name }) => hosts.map(host => ({ ...host, role: name }))),
    ...Object.entries(isMap(accessories) ? accessories : {}).flatMap(([name, one]) =>
      accessoryHosts(one, ['accessories', name]).map(host => ({ ...host, role: fitName(name, 20) ?? 'server' })),
    ),
  ]
  const names = new Map<string, string>()
  for (const { address, role, from } of all) {
    if (names.has(address)) continue
    const name = nameFor(address, role, [...names.values()])
    names.set(address, name)
    translation.put(['servers', name, 'host'], address, from)
    if (arch !== undefined) translation.put(['servers', name, 'arch'], arch, ['builder', 'arch'])
  }
  if (names.size === 0) translation.put(['servers'], setting.servers, ['servers'])
  return names
}

/** One for all servers; the builder's own where there is none. */
function archOf(translation: Translation, builder: unknown): string | undefined {
  const arch = isMap(builder) ? [builder.arch].flat() : []
  if (arch.length > 1) translation.leave(['builder', 'arch'], 'write at each server which of them it has: arch')
  return arch.length === 1 && typeof arch[0] === 'string' ? arch[0] : undefined
}

/** `host` or `hosts` of an accessory itself. */
export function accessoryHosts(accessory: unknown, from: Path): Host[] {
  if (!isMap(accessory)) return []
  return (['host', 'hosts'] as const).flatMap(key =>
    accessory[key] === undefined ? [] : readHosts(accessory[key], [...from, key]),
  )
}

function nameFor(address: string, role: string, taken: readonly string[]): string {
  const label = isIP(address) === 0 ? fitName(address.split('.')[0] ?? '', 30) : undefined
  if (label !== undefined && !taken.includes(label)) return label
  for (let number = 1; ; number++) if (!taken.includes(`${role}${number}`)) return `${role}${number}`
}
