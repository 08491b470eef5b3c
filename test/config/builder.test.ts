import { describe, expect, test } from 'vitest'
import { configOf, linesOf, problemsOf, smallest } from './deploy-yml.ts'

const withBuilder = (text: string) => `${smallest}builder: {${text}}`

describe('a builder elsewhere', () => {
  test.each<[string, object | undefined]>([
    ['', undefined],
    ['local: true', undefined],
    ['remote: "ssh://build.example.com"', { host: 'build.example.com', user: undefined, port: undefined }],
    ['local: false, remote: "ssh://me@10.0.0.1:2222/"', { host: '10.0.0.1', user: 'me', port: 2222 }],
    ['remote: "ssh://me@[fe80::1]:22"', { host: 'fe80::1', user: 'me', port: 22 }],
    ['remote: ssh://my_alias', { host: 'my_alias', user: undefined, port: undefined }],
  ])('{%s}', (text, remote) => expect(configOf(withBuilder(text)).builder.remote).toEqual(remote))

  const form =
    'builder.remote wrong-value: expected ssh://[user@]host[:port] (for example ssh://builder@build.example.com:22)'
  const password =
    'builder.remote wrong-value: there is a password in the address (ssh logs in with keys: ssh.keys names them, and an agent is asked)'
  test.each<[string, string]>([
    [
      'local: false',
      'builder.local missing-key: remote is missing: without a builder elsewhere, this machine builds (add `remote: ssh://user@host`, or remove `local`)',
    ],
    [
      'local: true, remote: "ssh://a"',
      'builder.remote conflict: local: true and remote exclude each other (write local: false to build there, or remove `remote`)',
    ],
    ['remote: "ssh://me:pa55@host"', password],
    ['remote: "ssh://me:pa55@host/a b"', password],
    ['remote: "ssh://me:@host"', password],
    ['remote: "https://me:pa55@host"', password],
    ['remote: build.example.com', form],
    ['remote: "tcp://host:2375"', form],
    ['remote: "ssh://"', form],
    ['remote: "ssh://-oProxyCommand=x"', form],
    ['remote: "ssh://host:0"', form],
    ['remote: "ssh://host:70000"', form],
    ['remote: "ssh://host/path"', form],
    ['remote: "ssh://ho$(id)st"', form],
  ])('{%s} is refused', (text, line) => {
    const lines = linesOf(problemsOf(withBuilder(text)))
    expect(lines.map(one => one.replace(/^\S+ /, ''))).toEqual([line])
    expect(lines.join()).not.toContain('pa55')
  })
})

describe('builders by architecture', () => {
  test('are known by it', () => {
    const { remote, remotes } = configOf(withBuilder('local: true, remote: {arm64: "ssh://me@arm"}')).builder
    expect([remote, remotes]).toEqual([undefined, { arm64: { host: 'arm', user: 'me', port: undefined } }])
  })
  test.each([
    ['remote: {}', 'builder.remote missing-key: remote names no builder'],
    ['remote: {arm: "ssh://a"}', 'builder.remote.arm unknown-key: unknown key arm (known here: amd64, arm64)'],
    ['remote: {arm64: "http://a"}', 'builder.remote.arm64 wrong-value: expected ssh://[user@]host[:port]'],
    [
      'remote: {arm64: "ssh://a"}, local: false',
      'builder.local conflict: local: false needs one builder for everything',
    ],
  ])('{%s} is refused', (text, start) => {
    const lines = linesOf(problemsOf(withBuilder(text)))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(start)
  })
})

describe('a cache', () => {
  const remote = 'registry: {server: registry.example.com}'
  test.each([
    ['true', { type: 'engine' }],
    ['false', { type: 'none' }],
    ['inline', { type: 'inline' }],
    ['gha', { type: 'gha' }],
    ['{type: registry}', { type: 'registry' }],
    ['{type: registry, ref: "ghcr.io/me/a_b/cache"}', { type: 'registry', ref: 'ghcr.io/me/a_b/cache' }],
    ['{type: registry, ref: "localhost:5000/cache"}', { type: 'registry', ref: 'localhost:5000/cache' }],
  ])('%s', (cache, expected) =>
    expect(configOf(withBuilder(`cache: ${cache}, ${remote}`)).builder.cache).toEqual(expected),
  )
  test.each([
    ['cache: maybe', 'builder.cache wrong-value: expected true, false, inline, registry, gha, or a map with `type`'],
    ['cache: {}', 'builder.cache.type missing-key: type is missing'],
    ['cache: {type: s3}', 'builder.cache.type wrong-value: expected inline or registry or gha, got "s3"'],
    [`cache: {type: registry, ref: "ghcr.io/me/cache:tag"}`, 'builder.cache.ref wrong-value: expected a repository'],
    [`cache: {type: registry, ref: "ghcr.io/me/c,type=local"}`, 'builder.cache.ref wrong-value: expected a repository'],
    ['cache: {type: registry, ref: cache}', 'builder.cache.ref wrong-value: expected a repository'],
    [`cache: {type: gha, ref: "ghcr.io/me/c"}`, 'builder.cache.type conflict: only type: registry has a ref'],
    [`engine: podman, cache: inline, ${remote}`, 'builder.cache conflict: Podman writes no cache into images'],
    [`engine: podman, cache: {type: gha}`, 'builder.cache.type conflict: only Docker with buildx'],
    ['cache: inline', 'builder.cache conflict: the local registry is no place for a cache'],
    ['cache: {type: registry}', 'builder.cache.type conflict: the local registry is no place for a cache'],
  ])('{%s} is refused', (text, start) => {
    const lines = linesOf(problemsOf(withBuilder(text)))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(start)
  })
  test('elsewhere than the local registry is one', () => {
    expect(problemsOf(withBuilder('cache: {type: registry, ref: "ghcr.io/me/cache"}'))).toEqual([])
    expect(problemsOf(withBuilder('cache: gha'))).toEqual([])
  })
})

describe('keys for a build', () => {
  const built = (ssh: string, builder = '') =>
    `${smallest.replace('image: redis:7', `build: {ssh: ${ssh}}`)}builder: {${builder}}`

  test.each(['[default]', '[default=./key, github=~/.ssh/id_ed25519]', '[]'])('%s', ssh =>
    expect(problemsOf(built(ssh))).toEqual([]),
  )
  test.each(['[other]', '["=x"]', '["a="]', '["-x=y"]', 'default'])('%s is refused', ssh =>
    expect(problemsOf(built(ssh))).toMatchObject([{ path: expect.stringMatching(/build\.ssh/) }]),
  )
  test('are not lent to a builder elsewhere', () => {
    expect(problemsOf(built('[default]', 'remote: "ssh://a"'))).toMatchObject([
      { path: 'services.web.build.ssh', code: 'conflict', message: expect.stringContaining('not lent') },
    ])
  })
})
