import type { Path } from '../document.ts'
import { isMap } from '../draft.ts'
import { type One, projectPath } from './compose-one.ts'
import { interpolate } from './interpolation.ts'
import { secretNameOf } from './names.ts'
import { pairsIn, type Translation, textsIn } from './translation.ts'
import { addClear, addSecret, hostsMeant, looksSecret } from './variables.ts'

type Variable = { name: string; text: string | undefined; from: Path }

/** Variables with a value of their own stay; what the machine's environment gave, and what is secret, goes to .env by name. */
export function translateEnvironment(
  translation: Translation,
  value: unknown,
  from: Path,
  service: Path,
  one: One,
): void {
  if (value === undefined) return
  for (const variable of pairsIn(translation, value, from))
    translateVariable(translation, variable, [...service, 'environment'], one)
}

function translateVariable(translation: Translation, { name, text, from }: Variable, to: Path, { hosts }: One): void {
  const written = interpolate(text ?? `\${${name}}`)
  const toDotEnv = (why: string) => {
    addSecret(translation, to, name, from)
    const names = hostsMeant(name, text ?? '', hosts)
      .map(meant => `, where ${meant} now`)
      .join('')
    translation.change(from, `${why}: put its value into .env as ${secretNameOf(name)}${names}`)
  }
  if (written.isAlone) {
    addSecret(translation, to, name, from, secretNameOf(written.names[0] ?? name))
    return
  }
  if (written.text === undefined) {
    toDotEnv(`${written.names.join(', ')} is not substituted`)
    return
  }
  if (looksSecret(name, written.text)) {
    toDotEnv('it looks like a secret, and was not copied')
    return
  }
  if (written.names.length > 0)
    translation.change(from, `${written.names.join(', ')} is not substituted: it is taken as unset`)
  addClear(translation, to, { name, text: written.text, from, hosts })
}

export function translateEnvFiles(translation: Translation, value: unknown, from: Path, service: Path, one: One): void {
  if (value === undefined) return
  const pathOf = (item: unknown) => (isMap(item) ? item.path : item)
  const files = Array.isArray(value) ? value.map(pathOf) : pathOf(value)
  for (const { text, from: place } of textsIn(translation, files, from)) {
    const path = projectPath(one, text)
    const names = path === undefined ? undefined : one.setting.namesIn(path)
    if (!names) {
      translation.leave(place, `${text} cannot be read: write the names of its variables under environment.secrets`)
      continue
    }
    for (const name of names) addSecret(translation, [...service, 'environment'], name, place)
    const where = path === '.env' ? 'looked up in .env' : `looked up in .env: copy them there from ${text}`
    translation.change(place, `its variables are secrets now (${names.length}), ${where}`)
  }
}
