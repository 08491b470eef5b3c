import type { Path } from '../document.ts'
import { at, isMap } from '../draft.ts'
import { containerKeys, putVolumes } from './kamal-container.ts'
import { translateEnv } from './kamal-env.ts'
import type { Kamal } from './kamal-project.ts'
import { translateProxy } from './kamal-proxy.ts'
import { translatePullRegistry } from './kamal-registry.ts'
import { accessoryHosts } from './kamal-servers.ts'
import { eachKey, type Rules, type Translation, textsIn } from './translation.ts'

/** An accessory is a service of an image that is there; it is deployed with the others. */
export function translateAccessory(
  translation: Translation,
  accessory: unknown,
  { before, name }: { before: string; name: string },
  kamal: Kamal,
): void {
  const from = ['accessories', before]
  const to = ['services', name]
  const own = isMap(accessory) ? accessory : {}
  if (own.image === undefined) {
    translation.leave(from, 'it has no image')
    return
  }
  translation.put([...to, 'image'], own.image, [...from, 'image'])
  translation.put([...to, 'hosts'], hostsOf(own, from, kamal), from)
  if (own.registry !== undefined) {
    translatePullRegistry(translation, own.registry, [...from, 'registry'], name)
    translation.put([...to, 'registry'], name, [...from, 'registry'])
  }
  translateEnv(translation, own.env, [...from, 'env'], [...to, 'environment'], kamal)
  putVolumes(translation, own.volumes, [...from, 'volumes'], to)
  eachKey(translation, own, from, accessoryKeys(translation, to, name, kamal), 'a service has no such key')
  // Two of them must not have the same data open.
  const keeps = ['volumes', 'directories'].some(key => at(translation.draft, [...to, key]) !== undefined)
  if (keeps) translation.put([...to, 'stop_first'], 'true', [...from, 'volumes'])
}

function hostsOf(own: Record<string, unknown>, from: Path, { roles, servers, setting }: Kamal): string[] {
  const texts = (key: string) => [own[key]].flat().filter(one => typeof one === 'string')
  const wanted = [...texts('role'), ...texts('roles')]
  const tags = [...texts('tag'), ...texts('tags')]
  const ofRoles = roles.filter(({ before }) => wanted.includes(before)).flatMap(({ hosts }) => hosts)
  const tagged = roles.flatMap(({ hosts }) => hosts).filter(host => host.tags.some(tag => tags.includes(tag)))
  const all = [...accessoryHosts(own, from), ...ofRoles, ...tagged]
  const names = all.flatMap(({ address }) => servers.get(address) ?? [])
  return [...new Set(names.length > 0 ? names : Object.keys(setting.servers))]
}

function accessoryKeys(translation: Translation, to: Path, name: string, { setting }: Kamal): Rules {
  const done = ['image', 'host', 'hosts', 'role', 'roles', 'tag', 'tags', 'env', 'volumes', 'registry']
  return {
    ...containerKeys(translation, to),
    ...Object.fromEntries(done.map(key => [key, ''])),
    service: `containers are named by jiji; it is reached as ${name}.PROJECT.jiji`,
    network: 'all services of a server are on one network',
    port: (value, from) => {
      const port = String(value)
      translation.append([...to, 'ports'], port.includes(':') ? port : `${port}:${port}`, from)
      translation.put([...to, 'stop_first'], 'true', from)
      translation.change(from, 'stop_first goes with it: the old and the new container cannot both hold the port')
    },
    files: (value, from) => {
      for (const { entry, local, from: place } of mounts(translation, value, from)) {
        if (local.endsWith('.erb')) translation.leave(place, 'Ruby in files is not run: write what it makes')
        else translation.append([...to, 'files'], entry, place)
      }
    },
    directories: (value, from) => {
      for (const { entry, place, local } of mounts(translation, value, from).map(one => ({
        ...one,
        place: one.from,
      }))) {
        translation.append([...to, 'directories'], entry, place)
        translation.change(
          place,
          `it is a folder of its own on the server, directories/${name}/${local}, and empty at first`,
        )
      }
    },
    proxy: (value, from) =>
      translateProxy(translation, [{ value, from }], [...to, 'proxy'], {
        domain: setting.domain,
        deployTimeout: undefined,
      }),
  }
}

type Mount = { entry: unknown; local: string; from: Path }

function mounts(translation: Translation, value: unknown, from: Path): Mount[] {
  const items = Array.isArray(value) ? value : [value]
  return items.flatMap((item: unknown, index): Mount[] => {
    const place = [...from, index]
    if (isMap(item)) return [{ entry: item, local: String(item.local), from: place }]
    return textsIn(translation, [item], from).map(({ text }) => ({
      entry: text,
      local: text.split(':')[0] ?? '',
      from: place,
    }))
  })
}
