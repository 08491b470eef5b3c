import { describe, expect, test } from 'vitest'
import { canonicalRepository, isRegistryName } from '../../src/config/image-name.ts'
import { covers, registryHost, registryKey } from '../../src/config/registry-key.ts'
import { JijiError } from '../../src/errors.ts'
import { random } from '../shell/random.ts'

describe('the canonical key of a registry', () => {
  test.each([
    ['docker.io', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['https://registry-1.docker.io/v2/', 'docker.io'],
    ['index.docker.io/owner', 'docker.io/owner'],
    ['Docker.IO/Owner', 'docker.io/owner'],
    ['docker.io:443', 'docker.io'],
    ['ghcr.io', 'ghcr.io'],
    ['ghcr.io/', 'ghcr.io'],
    ['ghcr.io/Owner/', 'ghcr.io/owner'],
    ['GHCR.IO/owner', 'ghcr.io/owner'],
    ['  ghcr.io\n', 'ghcr.io'],
    ['ghcr.io//a///b//', 'ghcr.io/a/b'],
    ['https://ghcr.io/owner?ref=main', 'ghcr.io/owner'],
    ['https://ghcr.io/owner#readme', 'ghcr.io/owner'],
    ['https://ghcr.io/owner?by=me@example.com', 'ghcr.io/owner'],
    ['http://registry.example.com:5000', 'registry.example.com:5000'],
    ['oci://registry.example.com', 'registry.example.com'],
    ['registry.example.com:5000', 'registry.example.com:5000'],
    ['registry.example.com:443/team', 'registry.example.com/team'],
    ['registry.example.com:0443', 'registry.example.com'],
    ['registry.example.com:80', 'registry.example.com:80'],
    ['localhost', 'localhost'],
    ['localhost:5000', 'localhost:5000'],
    ['127.0.0.1:9270', '127.0.0.1:9270'],
    ['[::1]:5000/x', '[::1]:5000/x'],
    ['registry:5000', 'registry:5000'],
    ['registry:443', 'registry:443'],
    ['owner', 'docker.io/owner'],
    ['owner/team', 'docker.io/owner/team'],
    ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', '123456789012.dkr.ecr.eu-west-1.amazonaws.com'],
    ['europe-docker.pkg.dev/my-project/my_repo', 'europe-docker.pkg.dev/my-project/my_repo'],
  ])('%s: %s', (written, key) => {
    expect(registryKey(written)).toBe(key)
    expect(registryKey(key)).toBe(key)
  })
})

describe('what is no registry is told what is wrong with it', () => {
  test.each<[string, RegExp]>([
    ['', /no host name/],
    ['   ', /no host name/],
    ['https://', /no host name/],
    ['/owner', /no host name/],
    ['ghcr.io/my app', /namespace.*"my app"/],
    ['ghcr io', /no host name.*"ghcr io"/],
    ['ghcr.io/../x', /namespace/],
    ['-ghcr.io', /no host name/],
    ['ghcr.io:port', /no host name/],
    ['ghcr.io:70000', /port.*70000/],
    ['ghcr.io:0', /port/],
    ['ghcr.io/owner/app:1.0', /tag/],
    ['ghcr.io/owner/app@sha256:0123', /digest/],
    ['bob@ghcr.io', /user information/],
    ['https://bob:hunter2@ghcr.io', /user information/],
    ['ghcr.io/ünï', /namespace/],
  ])('%j', (written, message) => {
    const error = failureOf(() => registryKey(written))
    expect(error?.code).toBe('config.invalid')
    expect(error?.message).toMatch(message)
    expect(error?.hint).toMatch(/host\[:port\]/)
  })
})

describe('any text', () => {
  const { next, text, pick } = random(7)
  const parts = [
    'https://',
    'a',
    'ghcr.io',
    'docker.io',
    'index.docker.io',
    '/v1/',
    '/',
    ':',
    '443',
    '5000',
    '.',
    '@',
    '?',
    '#',
  ]
  const written = () =>
    Array.from({ length: 1 + Math.floor(next() * 6) }, () => (pick([1, 2, 3]) === 1 ? text(6) : pick(parts))).join('')

  test('gives a key that is its own key, or an error of ours', () => {
    for (let round = 0; round < 5000; round++) {
      const one = written()
      try {
        const key = registryKey(one)
        expect(registryKey(key), JSON.stringify(one)).toBe(key)
        expect(covers(registryHost(key), key)).toBe(true)
      } catch (error) {
        expect(error, JSON.stringify(one)).toBeInstanceOf(JijiError)
      }
    }
  })
  test('as an image gives a repository or an error of ours', () => {
    for (let round = 0; round < 2000; round++) {
      const one = written()
      try {
        expect(canonicalRepository(one), JSON.stringify(one)).toMatch(/^[^/]+(\/[^/]+)*$/)
      } catch (error) {
        expect(error, JSON.stringify(one)).toBeInstanceOf(JijiError)
      }
    }
  })
  test.each(['', '?', '#', '/', ':', '@', '??', ' ', '%', '\\', '://', '\n'])(
    'with a password (%j in it) gives an error that does not repeat it',
    mark => {
      for (const password of [`hunter2${mark}`, `hunt${mark}hunter2`, `${mark}hunter2`]) {
        for (const place of ['ghcr.io', 'ghcr.io/owner', '']) {
          for (const scheme of ['https://', '', '//']) {
            for (const read of [registryKey, canonicalRepository]) {
              const error = failureOf(() => read(`${scheme}bob:${password}@${place}`))
              if (read === registryKey) expect(error, `${scheme}bob:${password}@${place}`).toBeInstanceOf(JijiError)
              expect(`${error?.message} ${error?.hint} ${error?.stack}`).not.toContain('hunter2')
            }
          }
        }
      }
    },
  )
})

test.each(['bob:hunter2', 'http://bob:hunter2', '//bob:hunter2', 'bob:hunter2/app', 'bob: hunter2', ':hunter2'])(
  'what may be a password without a host is not repeated either: %s',
  written => {
    const error = failureOf(() => registryKey(written))
    expect(error).toBeInstanceOf(JijiError)
    expect(`${error?.message} ${error?.hint}`).not.toContain('hunter2')
  },
)

test.each<[string, boolean]>([
  ['ghcr.io', true],
  ['ghcr.io/owner', true],
  ['GHCR.IO/Owner/', true],
  ['registry.example.com:5000', true],
  ['localhost', true],
  ['localhost:5000', true],
  ['[::1]:5000', true],
  ['https://ghcr.io/owner/app', true],
  ['ghcr.io/owner:1', false],
  ['ghcr.io/owner/app', false],
  ['registry.example.com:5000/app', false],
  ['docker.io/redis', false],
  ['redis', false],
  ['redis:7', false],
  ['owner/app', false],
])('%s names a registry: %s', (written, isRegistry) => expect(isRegistryName(written)).toBe(isRegistry))

describe('a key covers', () => {
  test.each([
    ['ghcr.io', 'ghcr.io/company/app', true],
    ['ghcr.io/company', 'ghcr.io/company/app', true],
    ['ghcr.io/company/app', 'ghcr.io/company/app', true],
    ['ghcr.io/comp', 'ghcr.io/company/app', false],
    ['ghcr.io/company/app', 'ghcr.io/company', false],
    ['ghcr.i', 'ghcr.io/company', false],
    ['example.com', 'example.com:5000/app', false],
  ])('%s: %s %s', (key, name, isCovered) => expect(covers(key, name)).toBe(isCovered))
})

function failureOf(action: () => unknown): JijiError | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof JijiError) return error
    throw error
  }
}
