import { describe, expect, test } from 'vitest'
import { cacheOfBuild, cacheTokens } from '../../src/deploy/build-cache.ts'
import { loginsForBuild } from '../../src/registry/build-logins.ts'
import { configOf, smallest } from '../config/deploy-yml.ts'

const withBuilder = (text: string) => configOf(`${smallest}builder: {${text}}`)

describe('the cache of a build', () => {
  const ghcr = 'registry: {server: ghcr.io, username: Me, password: TOKEN}'
  test.each<[string, string | undefined, object | undefined]>([
    ['cache: true', undefined, undefined],
    ['cache: false', 'linux/arm64', undefined],
    ['cache: inline', undefined, { type: 'inline', ref: 'ghcr.io/me/myapp/web:buildcache' }],
    ['cache: inline', 'linux/arm64', { type: 'inline', ref: 'ghcr.io/me/myapp/web:buildcache-arm64' }],
    ['cache: registry', 'linux/amd64', { type: 'registry', ref: 'ghcr.io/me/myapp/web:buildcache-amd64' }],
    ['cache: {type: registry, ref: r.io/cache}', undefined, { type: 'registry', ref: 'r.io/cache:myapp-web' }],
    ['cache: {type: registry, ref: r.io/c}', 'linux/arm64', { type: 'registry', ref: 'r.io/c:myapp-web-arm64' }],
    ['engine: podman, cache: registry', 'linux/arm64', { type: 'registry', ref: 'ghcr.io/me/myapp/web' }],
    ['engine: podman, cache: {type: registry, ref: r.io/c}', undefined, { type: 'registry', ref: 'r.io/c' }],
    ['cache: gha', 'linux/arm64', { type: 'gha', scope: 'myapp-web-arm64' }],
  ])('{%s} for %s', (text, platform, expected) =>
    expect(cacheOfBuild(withBuilder(`${text}, ${ghcr}`), 'web', platform)).toEqual(expected),
  )
})

describe('the cache of GitHub Actions', () => {
  const { builder } = withBuilder('cache: gha')
  const token = { ACTIONS_RUNTIME_TOKEN: 't0ken' }
  test('is reached with what is in the environment', () => {
    const both = { ...token, ACTIONS_RESULTS_URL: 'https://r', ACTIONS_CACHE_SERVICE_V2: 'true', OTHER: 'x' }
    expect(cacheTokens(builder, both).map(({ name }) => name)).toEqual([
      'ACTIONS_RUNTIME_TOKEN',
      'ACTIONS_RESULTS_URL',
      'ACTIONS_CACHE_SERVICE_V2',
    ])
    expect(cacheTokens(builder, { ...token, ACTIONS_CACHE_URL: 'https://c' })).toHaveLength(2)
    expect(cacheTokens(withBuilder('cache: true').builder, {})).toEqual([])
  })
  test.each([
    [{}, 'ACTIONS_RUNTIME_TOKEN'],
    [token, 'ACTIONS_RESULTS_URL'],
    [{ ACTIONS_RESULTS_URL: 'https://r' }, 'ACTIONS_RUNTIME_TOKEN'],
  ])('is out of reach with %j', (environment, missing) =>
    expect(() => cacheTokens(builder, environment)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(`${missing} is not in the environment`),
        hint: expect.stringContaining('crazy-max/ghaction-github-runtime'),
      }),
    ),
  )
})

test('of several logins of a host, Docker takes the one for the base, or else the one for the cache', () => {
  const login = (key: string) => ({ key, username: 'me', password: undefined as never })
  const [own, cache] = [login('ghcr.io/me'), login('ghcr.io/cache')]
  const used = (dockerfile: string) => {
    const { logins, leftOut } = loginsForBuild('docker', [own, cache], dockerfile, 'ghcr.io/cache/all:web')
    return [logins, leftOut].map(some => some.map(({ key }) => key))
  }
  expect(used('FROM busybox')).toEqual([['ghcr.io/cache'], []])
  expect(used('FROM ghcr.io/me/base')).toEqual([['ghcr.io/me'], ['ghcr.io/cache']])
})
