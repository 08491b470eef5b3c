import type { Path } from '../document.ts'
import { isMap } from '../draft.ts'
import { type One, projectPath } from './compose-one.ts'
import { eachKey, onlyKeys, pairsIn, type Translation } from './translation.ts'

export function translateBuild(translation: Translation, value: unknown, from: Path, to: Path, one: One): void {
  const build = isMap(value) ? value : { context: value }
  const context = (text: unknown, at: Path) => {
    const isRemote = /^([a-z+]+:\/\/|git@)/.test(String(text))
    const path = isRemote ? undefined : projectPath(one, String(text))
    translation.put([...to, 'context'], path ?? '.', at)
    if (path === undefined) translation.leave(at, 'the context is a folder of this project')
  }
  if (build.context === undefined) context('.', from)
  eachKey(
    translation,
    build,
    from,
    {
      context: (text, at) => context(text, isMap(value) ? at : from),
      dockerfile: (text, at) => translation.put([...to, 'dockerfile'], text, at),
      target: (text, at) => translation.put([...to, 'target'], text, at),
      args: (args, at) => {
        for (const { name, text, from: place } of pairsIn(translation, args, at)) {
          if (text === undefined) translation.leave(place, 'write its value: what is not set here is not looked up')
          else translation.put([...to, 'args', name], text, place)
        }
      },
      secrets: (secrets, at) => buildSecrets(translation, secrets, at, to, one),
      ssh: (keys, at) => {
        for (const { name, text, from: place } of pairsIn(translation, keys, at)) {
          const isAgent = name === 'default' && (text === undefined || text === '')
          translation.append([...to, 'ssh'], isAgent ? 'default' : `${name}=${text ?? ''}`, place)
        }
      },
      dockerfile_inline: 'write a Dockerfile',
      additional_contexts: 'COPY --from=IMAGE in the Dockerfile, or one context that holds all',
      platforms: 'write `arch` at the servers: an image is built for each that they have',
      tags: 'an image that is built is named by jiji',
      cache_from: 'the builder keeps its layers itself: builder.cache',
      cache_to: 'the builder keeps its layers itself: builder.cache',
      no_cache: 'write builder.cache: false, or jiji deploy --no-cache',
      labels: 'write LABEL in the Dockerfile',
    },
    'jiji gives builds no such option',
  )
}

function buildSecrets(translation: Translation, value: unknown, from: Path, to: Path, { top }: One): void {
  const declared = isMap(top.secrets) ? top.secrets : {}
  for (const [index, item] of (Array.isArray(value) ? value : [value]).entries()) {
    const { source, target } = isMap(item) ? item : { source: item, target: undefined }
    const from_ = [...from, index]
    onlyKeys(translation, item, from_, ['source', 'target'])
    const secret = declared[String(source)]
    const variable = isMap(secret) ? secret.environment : undefined
    const id = target ?? source
    if (typeof variable !== 'string') {
      translation.leave(from_, 'put what the file holds into .env, and write its name in build.secrets')
      continue
    }
    translation.append([...to, 'secrets'], variable, from_)
    if (id !== variable)
      translation.change(from_, `the Dockerfile has to name it id=${variable} instead of id=${String(id)}`)
  }
}
