import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { configSchema } from '../../src/config/json-schema.ts'
import { childrenOf, entriesOf, findEntries } from '../../src/config/reference.ts'
import { referencePage } from '../../src/ui/reference.ts'

const entries = entriesOf(configSchema())
const found = (wanted: string) => findEntries(entries, wanted).found.map(({ key }) => key)

describe('the reference', () => {
  test.each(entries.map(entry => [entry.key, entry] as const))('says what %s is', (_, { type, description }) => {
    expect(description).toMatch(/^\S.*[^.]$/)
    expect(type).toMatch(/^\S/)
    expect(type).not.toContain('undefined')
  })
  test('has each key once', () => expect(new Set(entries.map(({ key }) => key)).size).toBe(entries.length))
  test.each([
    ['a path', 'services.NAME.proxy.hosts', ['services.NAME.proxy.hosts']],
    ['a path with a name in it', 'services.web.proxy.hosts', ['services.NAME.proxy.hosts']],
    ['one of those that have names', 'services.web', ['services']],
    ['a path without names', 'services.proxy.hosts', ['services.NAME.proxy.hosts']],
    ['the end of one', 'proxy.hosts', ['services.NAME.proxy.hosts']],
    ['a key of items', 'files.mode', ['services.NAME.files[].mode']],
    ['what stands in several places', 'engine', ['builder.engine', 'servers.NAME.engine']],
    ['what is a whole path and an end', 'proxy', ['proxy']],
    ['nothing for what is not there', 'services.web.nothing', []],
  ])('finds %s', (_, wanted, keys) => expect(found(wanted)).toEqual(keys))
  test.each([
    ['replica', 'replicas'],
    ['builder.regstry', 'builder.registry'],
  ])('knows that %s is near %s', (wanted, near) => expect(findEntries(entries, wanted).nearest).toBe(near))
  test('knows what is directly in a map', () => {
    const keysIn = (key: string) => {
      const [parent] = findEntries(entries, key).found
      return parent ? childrenOf(entries, parent).map(child => child.key) : []
    }
    expect(keysIn('servers')).toEqual(expect.arrayContaining(['servers.NAME.host', 'servers.NAME.arch']))
    expect(keysIn('deploy')).toContain('deploy.retain')
    expect(keysIn('services')).not.toContain('services.NAME.proxy.hosts')
  })
  test('has a page, which is this one: node dist/main.js docs --markdown > docs/reference.md', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/reference.md', import.meta.url)), 'utf8')
    expect(page).toBe(referencePage(entries))
  })
})
