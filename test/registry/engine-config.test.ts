import { afterEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { engineConfigWith } from '../../src/registry/engine-config.ts'
import { folderWith } from '../config/folder.ts'

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
