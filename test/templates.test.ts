import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { readDocument } from '../src/config/document.ts'
import { schema } from '../src/config/schema.ts'

const template = readFileSync(new URL('../templates/deploy.yml', import.meta.url), 'utf8')

test('the template explains every key that there is', () => {
  const described: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const unexplained = keysOf(described as JsonSchema).filter(key => !new RegExp(`\\b${key}:`).test(template))
  expect(unexplained).toEqual([])
})

test('every key that is commented out is one that there is', () => {
  // The other kind of registry is an alternative: both at once would be a key twice.
  const whole = template.replace(/ {2}# Or a registry[\s\S]*?\n\n/, '').replace(/^( *)# ([a-z_]+:|- | {2})/gm, '$1$2')
  const { data, problems } = readDocument('template', whole)
  expect(problems).toEqual([])
  const { error } = schema.safeParse(data)
  expect(error?.issues ?? []).toEqual([])
})

type JsonSchema = {
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema
  anyOf?: JsonSchema[]
  items?: JsonSchema
}

function keysOf(node: JsonSchema): string[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [key, ...keysOf(child)])
  const below = [node.additionalProperties, node.items, ...(node.anyOf ?? [])].filter(
    child => typeof child === 'object',
  )
  return [...own, ...below.flatMap(keysOf)]
}
