import type { Path } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import type { Translation } from './translation.ts'

/** A bare number of Kamal's is one of seconds. */
export function seconds(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? `${value}s` : value
}

/** Ruby that looks up a variable of the environment, and nothing else: its name. */
export function variableOf(text: unknown): string | undefined {
  return /^<%=\s*ENV(?:\.fetch\(\s*|\[\s*)["']([A-Za-z_]\w*)["']\s*[\])]\s*%>$/.exec(String(text).trim())?.[1]
}

/** The data of the file less what Ruby would make, which is not run. Where a variable is meant, that is seen to later. */
export function withoutRuby(translation: Translation, data: unknown): Draft {
  const entries = isMap(data) ? Object.entries(data) : []
  return Object.fromEntries(
    entries.filter(([key]) => !key.startsWith('x-')).map(([key, value]) => [key, plain(translation, value, [key])]),
  )
}

function plain(translation: Translation, value: unknown, path: Path): unknown {
  if (Array.isArray(value)) return value.map((item, index) => plain(translation, item, [...path, index]))
  if (isMap(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, plain(translation, child, [...path, key])]),
    )
  if (typeof value !== 'string' || !value.includes('<%')) return value
  const isSeenTo = path[0] === 'registry' || path.includes('registry') || path.includes('env')
  if (isSeenTo && (variableOf(value) !== undefined || path.includes('registry'))) return value
  translation.leave(path, 'Ruby is not run here: write the value itself')
  return undefined
}
