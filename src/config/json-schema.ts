import * as z from 'zod'
import { schema } from './schema.ts'

/** A node of JSON Schema 2020-12. `form` is ours: what a text looks like, in words. `writeOnly` is the schema's word for a secret. */
export type JsonSchema = {
  type?: string | readonly string[]
  description?: string
  default?: unknown
  enum?: readonly unknown[]
  const?: unknown
  minimum?: number
  maximum?: number
  form?: string
  writeOnly?: boolean
  properties?: Readonly<Record<string, JsonSchema>>
  patternProperties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  additionalProperties?: JsonSchema | false
  propertyNames?: JsonSchema
  items?: JsonSchema
  anyOf?: readonly JsonSchema[]
}

/** What a configuration may hold, where every value is the text that stands in the file. */
export function configSchema(): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
}

/**
 * The schema for editors, which read YAML with its own types: text may look like a number there, and what is
 * optional may be left empty.
 */
export function editorSchema(): JsonSchema {
  const { properties, ...rest } = withYamlTypes(configSchema())
  const anchors = { '^x-': { description: 'A place for anchors' } }
  return { ...rest, ...(properties && { properties }), patternProperties: anchors }
}

function withYamlTypes(node: JsonSchema, isOptional = false): JsonSchema {
  const { form: _, propertyNames: names, ...known } = node
  const { properties, required = [], additionalProperties, items, anyOf } = node
  const nested = {
    ...(properties && {
      properties: mapValues(properties, (child, key) => withYamlTypes(child, !required.includes(key))),
    }),
    ...(additionalProperties && { additionalProperties: withYamlTypes(additionalProperties) }),
    ...(items && { items: withYamlTypes(items) }),
    ...(names && { propertyNames: withoutForm(names) }),
    ...(anyOf && { anyOf: anyOf.map(one => withYamlTypes(one)) }),
  }
  return { ...known, ...nested, ...yamlType(node, isOptional) }
}

function withoutForm({ form: _, ...node }: JsonSchema): JsonSchema {
  return node
}

function yamlType(node: JsonSchema, isOptional: boolean): JsonSchema {
  const written = 'default' in node ? { default: typed(node, node.default) } : {}
  if (node.type === 'boolean') return { ...written, type: 'boolean', enum: [true, false] }
  if (node.const === 'false') return { type: 'boolean', const: false }
  if (node.type === 'string' && !node.enum) return { ...written, type: ['string', 'number', 'boolean'] }
  if (isOptional && (node.type === 'object' || node.type === 'array')) return { ...written, type: [node.type, 'null'] }
  return written
}

/** Text as the value that it stands for: `true`, `3000`. */
export function typed({ type, const: only, anyOf = [] }: JsonSchema, text: unknown): unknown {
  if (typeof text !== 'string') return text
  const isBoolean =
    type === 'boolean' || only === 'false' || anyOf.some(one => one.type === 'boolean' || one.const === 'false')
  if (isBoolean && /^(true|false)$/.test(text)) return text === 'true'
  return type === 'integer' && /^\d+$/.test(text) ? Number(text) : text
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]))
}
