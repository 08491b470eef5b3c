import type { JsonSchema } from './json-schema.ts'
import { nearest } from './nearest.ts'

/** A key of the configuration, as a reference has it. */
export type Entry = {
  /** Its path; `NAME` stands for a name of one's own, and `[]` for an item of a list: `services.NAME.files[].mode`. */
  key: string
  type: string
  /** As it would be written; undefined where there is none, or nothing in it. */
  default: string | undefined
  isRequired: boolean
  description: string
}

/** All keys, each map before what is in it. */
export function entriesOf(schema: JsonSchema, prefix = ''): Entry[] {
  const { properties = {}, required = [], additionalProperties, items, anyOf = [] } = schema
  const own = Object.entries(properties).flatMap(([name, child]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`
    return [entryOf(key, child, required.includes(name)), ...entriesOf(child, key)]
  })
  const named = additionalProperties ? entriesOf(additionalProperties, `${prefix}.NAME`) : []
  const listed = items ? entriesOf(items, `${prefix}[]`) : []
  return [...own, ...named, ...listed, ...anyOf.flatMap(one => entriesOf(one, prefix))]
}

/**
 * The keys that somebody may mean: a path with any names in it, or the end of one. All that fit.
 * @returns none and the nearest key where nothing fits
 */
export function findEntries(
  entries: readonly Entry[],
  wanted: string,
): { found: Entry[]; nearest: string | undefined } {
  const words = wordsOf(wanted)
  const exact = entries.filter(({ key }) => fits(wordsOf(key), words) || isNameIn(entries, key, words))
  const ends = entries.filter(({ key }) => endsIn(wordsOf(key).slice(-words.length), words))
  const short = entries.filter(({ key }) => withoutNames(key) === wanted)
  const found = [short, exact, ends].find(some => some.length > 0) ?? []
  const candidates = entries.flatMap(({ key }) => [key, withoutNames(key), wordsOf(key).at(-1) ?? ''])
  return { found, nearest: found.length > 0 ? undefined : nearest(wanted, candidates) }
}

/** Those directly in a map. */
export function childrenOf(entries: readonly Entry[], { key: parent }: Entry): Entry[] {
  return entries.filter(({ key }) => key.replace(/(\.NAME|\[\])*\.[^.[\]]+$/, '') === parent && key !== parent)
}

function wordsOf(key: string): string[] {
  return key.replaceAll('[]', '').split('.')
}

/** `NAME` fits any name. */
function fits(words: readonly string[], wanted: readonly string[]): boolean {
  return words.length === wanted.length && words.every((word, index) => word === 'NAME' || word === wanted[index])
}

/** Whether `services.web` is meant, which is one of `services`. */
function isNameIn(entries: readonly Entry[], key: string, wanted: readonly string[]): boolean {
  return fits([...wordsOf(key), 'NAME'], wanted) && entries.some(other => other.key.startsWith(`${key}.NAME.`))
}

/** A name is not what somebody means by the beginning of an end. */
function endsIn(words: readonly string[], wanted: readonly string[]): boolean {
  return words[0] !== 'NAME' && fits(words, wanted)
}

function withoutNames(key: string): string {
  return wordsOf(key)
    .filter(word => word !== 'NAME')
    .join('.')
}

function entryOf(key: string, schema: JsonSchema, isRequired: boolean): Entry {
  return {
    key,
    type: typeOf(schema),
    default: writtenDefault(schema.default),
    isRequired,
    description: schema.description ?? '',
  }
}

function typeOf({
  type,
  form,
  enum: options,
  const: only,
  minimum,
  maximum,
  items,
  anyOf,
  ...rest
}: JsonSchema): string {
  if (anyOf) return [...new Set(anyOf.map(typeOf))].join(', or ')
  if (type === 'boolean') return 'true or false'
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`
  if (only !== undefined) return String(only)
  if (options) return options.join(', ').replace(/, (?=[^,]*$)/, ' or ')
  if (type === 'array') return `a list, each ${items ? typeOf(items) : 'any'}`
  if (type === 'object')
    return rest.additionalProperties ? `a map of names, each ${typeOf(rest.additionalProperties)}` : 'a map'
  return form ?? 'text'
}

function writtenDefault(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'object') return Object.keys(value).length === 0 ? undefined : JSON.stringify(value)
  return String(value)
}
