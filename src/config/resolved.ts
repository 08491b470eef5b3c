import type { Path, Position } from './document.ts'
import { SecretReference } from './fields.ts'
import { configSchema, type JsonSchema, typed } from './json-schema.ts'
import type { Layers } from './layers.ts'

/** A configuration written out in full: the files laid over each other, and the defaults. No secret stands in it. */
export type Resolved = {
  data: unknown
  /** Where a value stands; undefined for a default. */
  originOf(path: Path): Position | undefined
}

/** Of layers that hold a valid configuration. */
export function resolved({ data, has, locate }: Layers): Resolved {
  return {
    data: filled(configSchema(), data, []),
    originOf: path => (has(path) ? locate(path, 'key') : undefined),
  }
}

/** The value at a path, where there is one. */
export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined,
    data,
  )
}

/** Defaults that are empty are left out. */
function filled(schema: JsonSchema, given: unknown, path: Path): unknown {
  const variant = variantFor(schema, given)
  if (variant !== schema) return filled(variant, given, path)
  const value = given ?? schema.default
  if (typeof value === 'string') return isSecret(schema, value) ? `[${path.join('.')}]` : typed(schema, value)
  if (Array.isArray(value)) {
    if (value.length === 0 && given === undefined) return undefined
    return value.map((item, index) => filled(schema.items ?? {}, item, [...path, index]))
  }
  return typeof value === 'object' && value !== null ? filledMap(schema, value, path, given !== undefined) : undefined
}

function filledMap(schema: JsonSchema, value: object, path: Path, isGiven: boolean): unknown {
  const names = schema.properties ? Object.keys(schema.properties) : Object.keys(value)
  const entries = names.flatMap(name => {
    const child = schema.properties?.[name] ?? (schema.additionalProperties || {})
    const inner = filled(child, (value as Record<string, unknown>)[name], [...path, name])
    return inner === undefined ? [] : [[name, inner] as const]
  })
  return entries.length === 0 && !isGiven ? undefined : Object.fromEntries(entries)
}

/** Of the kinds of value that something may be, the one that is there. */
function variantFor(schema: JsonSchema, given: unknown): JsonSchema {
  const { anyOf } = schema
  if (!anyOf || given === undefined || typeof given === 'string') return schema
  return anyOf.find(one => (Array.isArray(given) ? one.items : one.properties)) ?? schema
}

/** A secret itself, where its name should stand. */
function isSecret({ writeOnly }: JsonSchema, text: string): boolean {
  const { isName, isCommand } = new SecretReference(text, 'value')
  return writeOnly === true && !isName && !isCommand
}
