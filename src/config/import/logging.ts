import type { Path } from '../document.ts'
import { eachKey, pairsIn, type Translation } from './translation.ts'

/** Compose and Kamal say it in the same words. */
export function putLogging(translation: Translation, value: unknown, from: Path, to: Path): void {
  eachKey(
    translation,
    value,
    from,
    {
      driver: (driver, at) => translation.put([...to, 'log', 'driver'], driver, at),
      options: (options, at) => {
        for (const { name, text, from: place } of pairsIn(translation, options, at))
          translation.put([...to, 'log', 'options', name], text ?? '', place)
      },
    },
    'a log has no such key',
  )
}
