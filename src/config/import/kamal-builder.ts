import { posix } from 'node:path'
import type { Path } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import { eachKey, pairsIn, type Rules, type Translation, textsIn } from './translation.ts'

/** What there is of it for all services: the machine that builds. */
export function translateBuilder(translation: Translation, { builder: value, registry }: Draft): void {
  if (value === undefined) return
  const from = ['builder']
  const server = isMap(registry) && typeof registry.server === 'string' ? registry.server : 'docker.io'
  const builder = isMap(value) ? value : {}
  const to = ['builder']
  const own = ['arch', 'context', 'dockerfile', 'target', 'args', 'secrets', 'ssh']
  const remote = (address: unknown, at: Path) => {
    if (address === undefined || address === 'false') return
    translation.put([...to, 'local'], 'false', at)
    translation.put([...to, 'remote'], address, at)
    if (builder.local !== 'false') translation.change(at, 'all images are built there: a project has one builder')
  }
  const rules: Rules = {
    ...Object.fromEntries(own.map(key => [key, ''])),
    remote,
    local: '',
    cache: (cache, at) =>
      eachKey(
        translation,
        cache,
        at,
        {
          type: (type, place) => translation.put([...to, 'cache', 'type'], type, place),
          image: (image, place) => translation.put([...to, 'cache', 'ref'], `${server}/${String(image)}`, place),
          options: 'a cache has its layers whole, as far as the engine can',
        },
        'a cache has no such key',
      ),
    driver: 'images are built by the engine that builder.engine names',
    pack: 'write a Dockerfile: there are no buildpacks',
    provenance: 'builds have no such option',
    sbom: 'builds have no such option',
  }
  eachKey(translation, builder, from, rules, 'the builder has no such key')
}

/** How the image is built, which stands with each role. */
export function putBuild(translation: Translation, value: unknown, to: Path): void {
  const builder = isMap(value) ? value : {}
  const from = ['builder']
  const context = typeof builder.context === 'string' ? posix.normalize(builder.context).replace(/(?<=.)\/$/, '') : '.'
  translation.put([...to, 'context'], context, [...from, 'context'])
  const { dockerfile } = builder
  // Kamal's is relative to the project, ours to the context.
  if (typeof dockerfile === 'string' && dockerfile !== 'Dockerfile')
    translation.put([...to, 'dockerfile'], posix.relative(context, posix.normalize(dockerfile)), [
      ...from,
      'dockerfile',
    ])
  if (builder.target !== undefined) translation.put([...to, 'target'], builder.target, [...from, 'target'])
  for (const { name, text, from: at } of list(translation, builder.args, [...from, 'args']))
    if (text !== undefined) translation.put([...to, 'args', name], text, at)
  if (builder.secrets !== undefined)
    for (const { text, from: at } of textsIn(translation, builder.secrets, [...from, 'secrets']))
      translation.append([...to, 'secrets'], text, at)
  for (const { name, text = '', from: at } of list(translation, builder.ssh, [...from, 'ssh']))
    translation.append([...to, 'ssh'], name === 'default' ? 'default' : `${name}=${text}`, at)
}

function list(translation: Translation, value: unknown, from: Path) {
  return value === undefined ? [] : pairsIn(translation, value, from)
}
