import { posix } from 'node:path'
import type { Path } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import { type One, projectPath } from './compose-one.ts'
import { leaveItem, onlyKeys, type Translation } from './translation.ts'

type Mount = { source: string; target: string; options: string; from: Path }

/** Named volumes and folders of the server stay; files of the project are uploaded, and its folders are kept on the server. */
export function translateVolumes(translation: Translation, own: Draft, service: Path, to: Path, one: One): void {
  const from = [...service, 'volumes']
  for (const mount of mountsIn(translation, own.volumes, from, to)) {
    const { source, target, options } = mount
    if (/^[~$]/.test(source)) translation.leave(mount.from, 'name the folder of the server: /PATH:/TARGET')
    else if (source.startsWith('.')) translateLocal(translation, mount, to, own.build !== undefined, one)
    else
      translation.append(
        [...to, 'volumes'],
        [source, target, ...(options === '' ? [] : [options])].join(':'),
        mount.from,
      )
  }
}

function translateLocal(translation: Translation, mount: Mount, to: Path, isBuilt: boolean, one: One): void {
  const { source, target, options, from } = mount
  const path = projectPath(one, source)
  const kind = path === undefined ? undefined : one.setting.kindOf(path)
  const entry = [path, target, ...(options === '' ? [] : [options])].join(':')
  const all = isBuilt ? 'the image holds the sources' : 'name what is needed of the project under files'
  if (path === undefined)
    translation.leave(from, 'it leads out of the project: name a folder of the server, /PATH:/TARGET')
  else if (path === '.') translation.leave(from, all)
  else if (kind === 'file') translation.append([...to, 'files'], entry, from)
  else if (kind === undefined && posix.extname(path) !== '') translation.leave(from, `there is no file ${path}`)
  else {
    translation.append([...to, 'directories'], entry, from)
    const where = `/var/lib/jiji/${one.project}/directories/${one.name}/${path}`
    translation.change(from, `it is a folder of the server, ${where}, and empty at first`)
  }
}

/** Secrets and configs that are files lie where Compose would mount them. */
export function mountSecrets(translation: Translation, own: Draft, service: Path, to: Path, one: One): void {
  for (const [key, folder] of [
    ['secrets', '/run/secrets/'],
    ['configs', '/'],
  ] as const) {
    const items = Array.isArray(own[key]) ? own[key] : []
    for (const [index, item] of items.entries()) {
      const { source, target, mode } = isMap(item) ? item : { source: item, target: undefined, mode: undefined }
      const from = [...service, key, index]
      onlyKeys(translation, item, from, ['source', 'target', 'mode'])
      const declared = isMap(one.top[key]) ? one.top[key][String(source)] : undefined
      const file = isMap(declared) ? declared.file : undefined
      const path = typeof file === 'string' ? projectPath(one, file) : undefined
      if (path === undefined) {
        translation.leave(from, 'pass it as a variable under environment.secrets, or put it into a file of the project')
        continue
      }
      if (one.setting.kindOf(path) !== 'file') {
        translation.leave(from, `there is no file ${path}`)
        continue
      }
      const remote = posix.resolve(folder, String(target ?? source))
      const octal = typeof mode === 'string' ? mode.replace(/^0o?/, '') : '444'
      translation.append([...to, 'files'], { local: path, remote, mode: octal }, from)
    }
  }
}

function mountsIn(translation: Translation, value: unknown, from: Path, to: Path): Mount[] {
  const items = Array.isArray(value) ? value : []
  return items.flatMap((item: unknown, index): Mount[] => {
    const place = [...from, index]
    if (isMap(item)) return longMount(translation, item, place, to)
    if (typeof item !== 'string') return []
    const [source = '', target, options = ''] = item.split(':')
    if (target === undefined) return leaveItem(translation, place, 'give the volume a name: NAME:/TARGET')
    return [{ source, target, options, from: place }]
  })
}

function longMount(translation: Translation, item: Draft, from: Path, to: Path): Mount[] {
  const { type, source, target, read_only, bind, volume, tmpfs, consistency: _, ...others } = item
  for (const [key, more] of Object.entries({ ...others, bind, volume }))
    if (more !== undefined) translation.leave([...from, key], 'a mount has no such option here')
  const size = isMap(tmpfs) && typeof tmpfs.size === 'string' ? `:size=${tmpfs.size}` : ''
  if (type === 'tmpfs') translation.append([...to, 'tmpfs'], `${String(target)}${size}`, from)
  else if (type !== 'bind' && type !== 'volume') translation.leave(from, `jiji mounts no ${String(type)}`)
  else if (source === undefined) translation.leave(from, 'give the volume a name: NAME:/TARGET')
  else return [{ source: String(source), target: String(target), options: read_only === 'true' ? 'ro' : '', from }]
  return []
}
