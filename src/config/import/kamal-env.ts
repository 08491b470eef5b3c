import type { Path } from '../document.ts'
import { isMap } from '../draft.ts'
import type { Kamal } from './kamal-project.ts'
import { variableOf } from './kamal-values.ts'
import { secretNameOf } from './names.ts'
import { eachKey, type Translation, textsIn } from './translation.ts'
import { addClear, addSecret } from './variables.ts'

/** Variables alone are for all to see; otherwise `clear` and `secret` say which are. */
export function translateEnv(translation: Translation, value: unknown, from: Path, to: Path, { hosts }: Kamal): void {
  const clear = (variables: unknown, at: Path) => {
    for (const [name, text] of Object.entries(isMap(variables) ? variables : {})) {
      const place = [...at, name]
      const variable = variableOf(text)
      if (variable !== undefined) addSecret(translation, to, name, place, secretNameOf(variable))
      else if (typeof text === 'string') addClear(translation, to, { name, text, from: place, hosts })
      else if (text !== undefined) translation.leave(place, 'a text was expected here')
    }
  }
  if (!isMap(value) || !['clear', 'secret', 'tags'].some(key => key in value)) {
    clear(value, from)
    return
  }
  eachKey(
    translation,
    value,
    from,
    {
      clear,
      secret: (names, at) => {
        for (const { text, from: place } of textsIn(translation, names, at)) {
          const [name = '', secret = name] = text.split(':')
          addSecret(translation, to, name, place, secretNameOf(secret))
        }
      },
      tags: 'servers have no tags: a variable for some of them is one of a service of its own',
    },
    'an environment has no such key',
  )
}
