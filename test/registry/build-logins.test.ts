import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { loginsForBuild } from '../../src/registry/build-logins.ts'

const loginOf = (key: string) => ({ key, username: 'me', password: new Secret('TOKEN', 'x') })
const keys = (logins: readonly { key: string }[]) => logins.map(({ key }) => key)

describe('a build with Docker logs in once per host', () => {
  test.each<[string, string[], string[], string[]]>([
    ['FROM scratch', ['ghcr.io', 'a.b'], ['ghcr.io', 'a.b'], []],
    ['FROM scratch', ['ghcr.io/one', 'ghcr.io'], ['ghcr.io'], []],
    ['FROM scratch', ['ghcr.io/one', 'ghcr.io/two'], ['ghcr.io/one'], []],
    ['FROM ghcr.io/two/base:1', ['ghcr.io/one', 'ghcr.io/two', 'ghcr.io'], ['ghcr.io/two'], []],
    ['FROM ghcr.io/two/base AS build', ['ghcr.io/one', 'ghcr.io/two'], ['ghcr.io/two'], []],
    ['from --platform=$BUILDPLATFORM ghcr.io/two/base', ['ghcr.io/one', 'ghcr.io/two'], ['ghcr.io/two'], []],
    ['FROM a\nCOPY --from=ghcr.io/two/x /a /b', ['ghcr.io/one', 'ghcr.io/two'], ['ghcr.io/two'], []],
    ['FROM ghcr.io/twofold/base', ['ghcr.io/one', 'ghcr.io/two'], ['ghcr.io/one'], []],
    [
      'FROM node AS x\nFROM y/z\nCOPY --from=0 /a /b\nCOPY --chown=1 --from=x /a /b',
      ['docker.io/y'],
      ['docker.io/y'],
      [],
    ],
    ['FROM ${BASE}\nFROM ???\nFROM', ['ghcr.io/one', 'ghcr.io/two'], ['ghcr.io/one'], []],
    ['FROM ghcr.io/one/a AS a\nFROM ghcr.io/two/b', ['ghcr.io/one', 'ghcr.io/two'], ['ghcr.io/one'], ['ghcr.io/two']],
  ])('%j with %j', (dockerfile, declared, used, leftOut) => {
    const chosen = loginsForBuild('docker', declared.map(loginOf), dockerfile)
    expect([keys(chosen.logins), keys(chosen.leftOut)]).toEqual([used, leftOut])
  })
  test('and with Podman for each namespace', () => {
    const declared = ['ghcr.io/one', 'ghcr.io/two', 'ghcr.io'].map(loginOf)
    expect(loginsForBuild('podman', declared, 'FROM ghcr.io/two/a')).toEqual({ logins: declared, leftOut: [] })
  })
})
