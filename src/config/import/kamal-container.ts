import type { Path } from '../document.ts'
import { isMap } from '../draft.ts'
import { putLogging } from './logging.ts'
import { pairsIn, type Rules, type Translation, textsIn } from './translation.ts'
import { splitWords } from './words.ts'

/** What roles and accessories say of their containers in the same way. */
export function containerKeys(translation: Translation, to: Path): Rules {
  return {
    cmd: (value, from) => {
      const words = splitWords(String(value))
      if (words && words.length > 0) translation.put([...to, 'command'], words, from)
      else translation.leave(from, 'a quote in it is not closed')
    },
    labels: (value, from) => putLabels(translation, value, from, to),
    logging: (value, from) => putLogging(translation, value, from, to),
    options: (value, from) => putOptions(translation, value, from, to),
  }
}

export function putLabels(translation: Translation, value: unknown, from: Path, to: Path): void {
  if (value === undefined) return
  for (const { name, text, from: at } of pairsIn(translation, value, from))
    translation.put([...to, 'labels', name], text ?? '', at)
}

/** Options of docker run, but for those that are keys here. */
function putOptions(translation: Translation, value: unknown, from: Path, to: Path): void {
  for (const [name, option] of Object.entries(isMap(value) ? value : {})) {
    const at = [...from, name]
    if (name === 'restart') translation.put([...to, 'restart'], String(option).split(':')[0], at)
    else if (option !== undefined) translation.put([...to, 'options', name.replaceAll('_', '-')], option, at)
  }
}

export function putVolumes(translation: Translation, value: unknown, from: Path, to: Path): void {
  if (value === undefined) return
  for (const { text, from: at } of textsIn(translation, value, from)) {
    translation.append([...to, 'volumes'], text, at)
    if (/^[^/]/.test(text))
      translation.change(
        at,
        'each service has a volume of its own: /PATH:/TARGET keeps what the volume holds, and is for several',
      )
  }
}
