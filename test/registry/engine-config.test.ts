import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { engineConfigWith } from '../../src/registry/engine-config.ts'
import { folderWith } from '../config/folder.ts'
import { random } from '../shell/random.ts'

afterEach(() => vi.unstubAllEnvs())

const hub = 'https://index.docker.io/v1/'
const auth = { auth: Buffer.from('me:hunter2').toString('base64') }
const login = (key: string) => ({ key, username: 'me', password: new Secret('TOKEN', 'hunter2') })

function made(own: string | undefined, ...keys: string[]) {
  vi.stubEnv('DOCKER_CONFIG', folderWith(own === undefined ? {} : { 'config.json': own }))
  return JSON.parse(engineConfigWith('docker', keys.map(login))?.reveal() ?? 'null')
}

describe("this machine's Docker configuration with our logins in it", () => {
  test.each<[string, object | undefined, string[], object]>([
    ['of a machine without one', undefined, ['ghcr.io'], { auths: { 'ghcr.io': auth } }],
    [
      'keeps other logins',
      { auths: { a: { auth: 'x' } } },
      ['ghcr.io'],
      { auths: { a: { auth: 'x' }, 'ghcr.io': auth } },
    ],
    ['replaces an older login', { auths: { 'ghcr.io': { auth: 'x' } } }, ['ghcr.io'], { auths: { 'ghcr.io': auth } }],
    [
      'keeps the context and everything else',
      { currentContext: 'remote', proxies: { default: {} } },
      ['ghcr.io'],
      { currentContext: 'remote', proxies: { default: {} }, auths: { 'ghcr.io': auth } },
    ],
    ['knows Docker Hub by its oldest address', {}, ['docker.io'], { auths: { [hub]: auth } }],
    ['has a namespace under its host', {}, ['ghcr.io/owner'], { auths: { 'ghcr.io': auth } }],
    ['has several', {}, ['ghcr.io', 'a.b:5000'], { auths: { 'ghcr.io': auth, 'a.b:5000': auth } }],
    [
      'keeps a keychain, but not for these hosts',
      { credsStore: 'desktop' },
      ['ghcr.io', 'docker.io'],
      { credsStore: 'desktop', auths: { 'ghcr.io': auth, [hub]: auth }, credHelpers: { 'ghcr.io': '', [hub]: '' } },
    ],
    [
      'is not asked by helpers of hosts that are like ours',
      { credHelpers: { 'gcr.io': 'gcloud' } },
      ['ghcr.io/gcr.io'],
      { auths: { 'ghcr.io': auth }, credHelpers: { 'gcr.io': 'gcloud', 'ghcr.io': '' } },
    ],
    [
      'keeps helpers for other hosts',
      { credHelpers: { 'gcr.io': 'gcloud', 'ghcr.io': 'x' } },
      ['ghcr.io'],
      { auths: { 'ghcr.io': auth }, credHelpers: { 'gcr.io': 'gcloud', 'ghcr.io': '' } },
    ],
    [
      'takes the place of a helper for Docker Hub',
      { credHelpers: { [hub]: 'x' } },
      ['docker.io'],
      { auths: { [hub]: auth }, credHelpers: { [hub]: '' } },
    ],
  ])('%s', (_, own, keys, expected) => {
    expect(made(own && JSON.stringify(own), ...keys)).toEqual(expected)
  })
  test.each(['', '{', 'null', '[]', '5', '"x"'])('is made anew from %j', own => {
    expect(made(own, 'ghcr.io')).toEqual({ auths: { 'ghcr.io': auth } })
  })
  test('is a secret itself', () => {
    vi.stubEnv('DOCKER_CONFIG', folderWith({}))
    expect(String(engineConfigWith('docker', [login('ghcr.io')]))).toBe('[TOKEN]')
  })
  test('is none without logins', () => expect(engineConfigWith('docker', [])).toBeUndefined())
  test('is looked for in the home folder where DOCKER_CONFIG is empty', () => {
    vi.stubEnv('DOCKER_CONFIG', '')
    vi.stubEnv('HOME', folderWith({ '.docker/config.json': '{"currentContext":"home"}' }))
    expect(JSON.parse(engineConfigWith('docker', [login('ghcr.io')])?.reveal() ?? '')).toMatchObject({
      currentContext: 'home',
    })
  })
})

describe('whatever stands in the place of the configuration, our login can be read out of what is made', () => {
  function bothMade(folder: string) {
    const file = join(folder, 'config.json')
    vi.stubEnv('DOCKER_CONFIG', folder)
    vi.stubEnv('REGISTRY_AUTH_FILE', file)
    for (const engine of ['docker', 'podman'] as const) {
      const { auths, credHelpers = {} } = JSON.parse(engineConfigWith(engine, [login('ghcr.io')])?.reveal() ?? 'null')
      expect(auths['ghcr.io']).toEqual(auth)
      expect(credHelpers['ghcr.io'] ?? '').toBe('')
      // Docker and Podman read maps there, and refuse the whole file when they find something else.
      expect([auths, credHelpers].map(one => Array.isArray(one) || typeof one)).toEqual(['object', 'object'])
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  }

  test.each<[string, string]>([
    ['text for maps', '{"auths":"abc","credHelpers":"abc"}'],
    ['lists for maps', '{"auths":[1],"credHelpers":["x"]}'],
    ['numbers for maps', '{"auths":1,"credHelpers":1e999}'],
    ['null for maps', '{"auths":null,"credHelpers":null,"credsStore":null}'],
    ['logins that are none', '{"auths":{"ghcr.io":null,"a":5,"":[]},"credHelpers":{"ghcr.io":5,"a":{}}}'],
    ['__proto__', '{"__proto__":{"polluted":1},"auths":{"__proto__":{"polluted":1}},"credHelpers":{"__proto__":"x"}}'],
    [
      'constructor',
      '{"constructor":{"prototype":{"polluted":1}},"auths":{"constructor":{"prototype":{"polluted":1}}}}',
    ],
    ['toJSON', '{"toJSON":"x","auths":{"toJSON":"x"}}'],
    ['two keys', '{"auths":{},"auths":{"ghcr.io":{"auth":"eDp5"}}}'],
    ['nested lists', `{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['nested lists that do not end', '['.repeat(1_000_000)],
    ['nested maps', `{"auths":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['much', `{"auths":{"a":{"auth":"${'x'.repeat(20_000_000)}"}}}`],
    ['many', JSON.stringify({ auths: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`h${i}`, {}])) })],
    ['a mark of UTF-8', '\ufeff{}'],
    ['NUL', '\0'],
    ['halves of characters', '{"auths":{"\\ud800":{"auth":"\\udfff"}}}'],
  ])('%s', (_, text) => bothMade(folderWith({ 'config.json': text })))

  test.each(['"abc"', '["abc"]', '1', 'null'])('%s where Docker reads maps leaves no trace', value => {
    expect(made(`{"auths":${value},"credHelpers":${value}}`, 'ghcr.io')).toEqual({ auths: { 'ghcr.io': auth } })
  })

  test('a folder, a device without an end, a link to itself, a file in the place of its folder', () => {
    const folder = folderWith({ 'file/x': '', file2: '' })
    mkdirSync(join(folder, 'a/config.json'), { recursive: true })
    mkdirSync(join(folder, 'b'))
    symlinkSync('/dev/zero', join(folder, 'b/config.json'))
    mkdirSync(join(folder, 'c'))
    symlinkSync('config.json', join(folder, 'c/config.json'))
    for (const name of ['a', 'b', 'c', 'file2']) bothMade(join(folder, name))
  })

  test('a file that may not be read', () => {
    const folder = folderWith({ 'config.json': '{}' })
    chmodSync(join(folder, 'config.json'), 0)
    bothMade(folder)
  })

  test('bytes and values by chance', () => {
    const { next, pick, text } = random(7)
    const value = (depth: number): unknown =>
      depth === 0
        ? pick([null, true, 0, -1e308, '', 'x', text(8)])
        : pick([
            () => value(0),
            () => Array.from({ length: 3 }, () => value(depth - 1)),
            () => Object.fromEntries(Array.from({ length: 3 }, () => [name(), value(depth - 1)])),
          ])()
    const name = () => pick(['auths', 'credHelpers', 'credsStore', 'ghcr.io', '__proto__', 'auth', text(6)])
    for (let round = 0; round < 300; round++) {
      const config = JSON.stringify({ auths: value(2), credHelpers: value(2), [name()]: value(3) })
      const cut = Math.floor(next() * config.length)
      bothMade(folderWith({ 'config.json': config }))
      bothMade(
        folderWith({ 'config.json': pick([config.slice(0, cut), config.slice(0, cut) + text(5) + config.slice(cut)]) }),
      )
    }
  })
})
