import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { editorSchema } from '../../src/config/json-schema.ts'
import { smallest } from './deploy-yml.ts'
import { composeSample, kamalSample } from './import/samples.ts'
import { translated } from './import/translated.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const validate = new Ajv2020({ strict: true, strictTypes: false, allErrors: true, allowUnionTypes: true }).compile(
  editorSchema(),
)
/** As an editor reads it: with YAML's own types. */
const mistakesIn = (text: string) => {
  validate(parse(text, { merge: true }))
  return (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`)
}

describe('the schema for editors', () => {
  const written = ['.jiji', 'templates', 'examples']
    .flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
    )
    .filter(path => /(?<!\/workflows)\/deploy(\.\w+)?\.yml$/.test(path))
  test.each(written)('takes %s', path => {
    expect(mistakesIn(readFileSync(join(root, path), 'utf8'))).toEqual([])
  })
  test.each([
    ['Compose', translated('compose', composeSample).text],
    ['Kamal', translated('kamal', kamalSample).text],
  ])('takes what is made of a file of %s', (_, text) => expect(mistakesIn(text)).toEqual([]))
  test.each([
    ['numbers and truths where text is wanted', 'environment: {clear: {A: 1.10, B: yes, C: true, D: 5}}'],
    ['what is left empty', 'registries:\nenvironment:\nproxy:'],
    ['anchors', 'x-common: &common {a: [1]}'],
    ['either kind', 'ssh: {config: false}\ndeploy: {parallel: 2}'],
  ])('takes %s', (_, more) => expect(mistakesIn(`${smallest}${more}\n`)).toEqual([]))
  test.each([
    ['an unknown key', 'porxy: {}', ' additionalProperties'],
    ['a wrong word', 'builder: {engine: dokcer}', '/builder/engine enum'],
    ['text for a number', 'proxy: {http_port: many}', '/proxy/http_port type'],
    ['a number that is too large', 'proxy: {http_port: 70000}', '/proxy/http_port maximum'],
    ['text for a truth', 'ssh: {strict: sometimes}', '/ssh/strict type'],
    ['one value for a list', 'deploy: {order: web}', '/deploy/order type'],
  ])('refuses %s', (_, more, mistake) => expect(mistakesIn(`${smallest}${more}\n`)).toContain(mistake))
  test('names what is missing', () => expect(mistakesIn('project: a')).toEqual([' required', ' required']))
  test('has no words of ours in it', () => expect(JSON.stringify(editorSchema())).not.toContain('"form"'))
})
