import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { loadConfig, readConfig } from '../src/config/load.ts'
import { envExample } from '../src/config/propose/env-example.ts'
import { configFile, envExampleFile, schemaLine, workflowOf } from '../src/config/propose/files.ts'
import { secretNames } from '../src/config/settle.ts'

const folder = fileURLToPath(new URL('../examples', import.meta.url))
const names = readdirSync(folder).filter(name => existsSync(join(folder, name, configFile)))
const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8')
const readIfThere = (...path: string[]) => (existsSync(join(folder, ...path)) ? read(...path) : undefined)

test('there is one for each idea, and the list of them names all', () => {
  const ideas = ['github-actions', 'hello', 'local-registry', 'node', 'podman', 'services', 'two-registries']
  expect(names.toSorted()).toEqual(ideas)
  expect([...read('README.md').matchAll(/^\| \[(.+?)\]\(\1\/?\)/gm)].map(([, name]) => name).toSorted()).toEqual(ideas)
})

describe.each(names)('%s', name => {
  test('is valid, without a warning', () => {
    const { config, problems } = readConfig({ directory: join(folder, name) })
    expect([problems, config?.warnings]).toEqual([[], []])
    expect(read(name, configFile).startsWith(schemaLine)).toBe(true)
  })

  test('says which secrets it needs, and keeps them out of git and images', () => {
    const secrets = secretNames(loadConfig({ directory: join(folder, name) }))
    expect(readIfThere(name, envExampleFile)).toBe(secrets.length > 0 ? envExample(secrets) : undefined)
    expect(readIfThere(name, '.gitignore')).toBe(secrets.length > 0 ? '.env\n.env.*\n!.env.example\n' : undefined)
    expect(read(name, '.dockerignore')).toMatch(/^\.env\*$/m)
  })

  test('has a page of one screen', () => expect(read(name, 'README.md').split('\n').length).toBeLessThan(31))
})

test('the workflow is what jiji init --github writes', () => {
  const config = loadConfig({ directory: join(folder, 'github-actions') })
  const { path, contents } = workflowOf(config, { branch: 'main' })
  expect(read('github-actions', path)).toBe(contents)
})
