import type { Path } from '../document.ts'
import { type Draft, isMap } from '../draft.ts'
import { interpolate } from './interpolation.ts'
import type { Translation } from './translation.ts'

/**
 * The data of a Compose file with usual values in the place of its variables. What needs a variable that has none is left
 * out; environments are left as they are, because there it may become a secret. `x-…` has done its work.
 */
export function resolveVariables(translation: Translation, data: unknown): Draft {
  const entries = isMap(data) ? Object.entries(data) : []
  return Object.fromEntries(
    entries.filter(([key]) => !key.startsWith('x-')).map(([key, value]) => [key, resolved(translation, value, [key])]),
  )
}

function resolved(translation: Translation, value: unknown, path: Path): unknown {
  if (path.length === 3 && path[0] === 'services' && path[2] === 'environment') return value
  if (Array.isArray(value)) return value.map((item, index) => resolved(translation, item, [...path, index]))
  if (isMap(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, resolved(translation, child, [...path, key])]),
    )
  }
  return typeof value === 'string' && value.includes('$') ? substituted(translation, value, path) : value
}

function substituted(translation: Translation, value: string, path: Path): string | undefined {
  const { text, names } = interpolate(value)
  if (names.length === 0) return text
  const variables = [...new Set(names)].join(', ')
  if (text === undefined) translation.leave(path, `${variables} is not substituted: write the value itself`)
  else translation.change(path, `${variables} is not substituted: it is taken as unset`)
  return text
}
