import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments, parse as parseYaml } from 'yaml'
import { type FormatName, formats, holdable } from '../../../src/registry/export/formats.ts'
import { credential, exported, hostile, textOf } from './credentials.ts'

const hub = 'https://index.docker.io/v1/'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const fromBase64 = (text: unknown) => Buffer.from(String(text), 'base64').toString()
const names = Object.keys(formats) as FormatName[]
const several = [credential('ghcr.io', 'a'), credential('docker.io', 'b'), credential('ghcr.io/company', 'c')]

describe('every format', () => {
  test.each(names)('%s is the same bytes each time, in whatever order the credentials are declared', format => {
    const [first, again] = [several, several.toReversed()].map(one => exported(format, one))
    expect(again).toEqual(first)
  })
  test.each(names)('%s says in a comment where it comes from, if it has comments', format => {
    if (/docker-config|podman-auth|rkt|mesos/.test(format)) return
    const text = textOf(format, [credential('a.b'), credential('c.d', 'x', { auth: 'azure-acr' })])
    expect(text).toMatch(
      new RegExp(
        `^# Registry logins of app, from .jiji/deploy.yml; made by: jiji registry export ${format}\n# a.b: holds until it is changed\n# c.d: expires 3 h after it was made\n`,
      ),
    )
  })
  test.each(names.filter(name => !formats[name].holdsSecrets))('%s holds no secret', format => {
    const text = textOf(format, [credential('a.b', 'hunter2'), credential('c.d', 'hunter2', { auth: 'aws-ecr' })])
    for (const form of ['hunter2', base64('hunter2'), base64('me:hunter2')]) expect(text).not.toContain(form)
  })
  test.each(names)('%s cannot be made to begin a line by a name', format => {
    const origin = { format, project: 'a\nevil: 1', files: ['b\r\n\u2028\u0085evil: 2'] }
    const choices = { name: 'n', namespace: undefined, 'service-account': undefined, 'auth-file': '/a' }
    const [file] = formats[format].render([credential('a.b')], origin, { ...choices, basic: false, source: undefined })
    expect(String(file?.contents)).not.toMatch(/^evil/m)
    expect(String(file?.contents)).not.toMatch(/[\u2028\u0085]/)
  })
})

describe('where a host can have one login only', () => {
  test.each<[string[], string[], string[]]>([
    [['ghcr.io/a', 'ghcr.io', 'ghcr.io/b'], ['ghcr.io'], ['ghcr.io/a', 'ghcr.io/b']],
    [['ghcr.io/b', 'ghcr.io/a'], ['ghcr.io/b'], ['ghcr.io/a']],
    [['b.c', 'a.b/x', 'a.b:5000/x'], ['a.b/x', 'a.b:5000/x', 'b.c'], []],
  ])('of %j it holds %j and leaves out %j', (keys, kept, leftOut) => {
    const held = holdable(
      'host',
      keys.map(key => ({ key })),
    )
    expect([held.kept.map(({ key }) => key), held.leftOut.map(({ key }) => key)]).toEqual([kept, leftOut])
  })
  test('the others hold all', () => {
    expect(holdable('namespace', several)).toMatchObject({
      kept: [{ key: 'docker.io' }, { key: 'ghcr.io' }, { key: 'ghcr.io/company' }],
      leftOut: [],
    })
  })
})

describe('docker-config and podman-auth', () => {
  test('have the keys that each looks for', () => {
    expect(JSON.parse(textOf('docker-config', several))).toEqual({
      auths: { [hub]: { auth: base64('me:b') }, 'ghcr.io': { auth: base64('me:a') } },
    })
    expect(JSON.parse(textOf('podman-auth', several))).toEqual({
      auths: {
        'docker.io': { auth: base64('me:b') },
        'ghcr.io': { auth: base64('me:a') },
        'ghcr.io/company': { auth: base64('me:c') },
      },
    })
  })
  test('have a namespace under its host, in Docker', () => {
    expect(Object.keys(JSON.parse(textOf('docker-config', [credential('docker.io/owner')])).auths)).toEqual([hub])
  })
  test.each(hostile)('hold %j to the byte', password => {
    const { auths } = JSON.parse(textOf('docker-config', [credential('a.b', password)]))
    expect(fromBase64(auths['a.b'].auth)).toBe(`me:${password}`)
  })
  test('refuse a user name that would become another one', () => {
    expect(() => textOf('podman-auth', [credential('a.b', 'pw', { username: 'me:you' })])).toThrow('with a colon')
  })
})

describe('kubernetes', () => {
  const manifests = (...args: Parameters<typeof textOf>) =>
    parseAllDocuments(textOf(...args), { version: '1.1' }).map(one => one.toJS())

  test('is a secret with the entries for hosts and namespaces', () => {
    const [secret, ...more] = manifests('kubernetes', several, { namespace: 'web' })
    expect(more).toEqual([])
    expect(secret).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'app-registries', namespace: 'web' },
      type: 'kubernetes.io/dockerconfigjson',
    })
    expect(JSON.parse(fromBase64(secret.data['.dockerconfigjson']))).toEqual({
      auths: {
        [hub]: { auth: base64('me:b') },
        'ghcr.io': { auth: base64('me:a') },
        'ghcr.io/company': { auth: base64('me:c') },
      },
    })
  })
  test('knows a namespace of Docker Hub as images are named', () => {
    const [secret] = manifests('kubernetes', [credential('docker.io/owner')])
    expect(fromBase64(secret.data['.dockerconfigjson'])).toContain('"docker.io/owner"')
  })
  test('makes a service account use it', () => {
    expect(
      manifests('kubernetes', several, { name: 'pull', namespace: 'web', 'service-account': 'default' })[1],
    ).toEqual({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'web' },
      imagePullSecrets: [{ name: 'pull' }],
    })
  })
  test('has no namespace that nobody gave', () => {
    expect(manifests('kubernetes', several)[0].metadata).toEqual({ name: 'app-registries' })
  })
  test('in the older type has the entries alone', () => {
    const [secret] = manifests('kubernetes-legacy', several)
    expect(secret.type).toBe('kubernetes.io/dockercfg')
    expect(JSON.parse(fromBase64(secret.data['.dockercfg']))['ghcr.io']).toEqual({ auth: base64('me:a') })
  })
})

describe('kubelet', () => {
  const provider = (...credentials: Parameters<typeof textOf>[1]) =>
    parseYaml(textOf('kubelet', credentials)).providers[0]

  test('names the program, and the images that it is asked about', () => {
    expect(parseYaml(textOf('kubelet', several))).toEqual({
      apiVersion: 'kubelet.config.k8s.io/v1',
      kind: 'CredentialProviderConfig',
      providers: [
        {
          name: 'docker-credential-jiji',
          matchImages: ['docker.io', 'ghcr.io', 'ghcr.io/company'],
          defaultCacheDuration: '600s',
          apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
          args: ['kubelet'],
        },
      ],
    })
  })
  test.each([
    ['aws-ecr', '21600s'],
    ['gcp-access-token', '1800s'],
    ['azure-acr', '5400s'],
    ['github', '600s'],
  ] as const)('%s is kept for %s', (auth, duration) => {
    expect(provider(credential('a.b', 'x', { auth })).defaultCacheDuration).toBe(duration)
  })
  test('the shortest time holds', () => {
    const kinds = (['aws-ecr', 'gcp-access-token'] as const).map(auth => credential(`${auth}.io`, 'x', { auth }))
    expect(provider(...kinds).defaultCacheDuration).toBe('1800s')
    expect(provider(...kinds, credential('a.b')).defaultCacheDuration).toBe('600s')
  })
})

describe('rkt', () => {
  test('is a file for each registry', () => {
    const files = exported('rkt', several)
    expect(files.map(({ name, text }) => [name, JSON.parse(text)])).toEqual([
      [
        'index.docker.io.json',
        {
          rktKind: 'dockerAuth',
          rktVersion: 'v1',
          registries: ['index.docker.io'],
          credentials: { user: 'me', password: 'b' },
        },
      ],
      [
        'ghcr.io.json',
        {
          rktKind: 'dockerAuth',
          rktVersion: 'v1',
          registries: ['ghcr.io'],
          credentials: { user: 'me', password: 'a' },
        },
      ],
    ])
  })
  test('with --basic has the kind for all else, and no path in its domains', () => {
    expect(JSON.parse(textOf('rkt', [credential('a.b:5000/owner')], { basic: true }))).toEqual({
      rktKind: 'auth',
      rktVersion: 'v1',
      domains: ['a.b:5000'],
      type: 'basic',
      credentials: { user: 'me', password: 'pw' },
    })
  })
  test.each(hostile)('holds %j to the byte', value => {
    const { credentials } = JSON.parse(textOf('rkt', [credential('a.b', value, { username: value })]))
    expect(credentials).toEqual({ user: value, password: value })
  })
})

describe('butane', () => {
  const whole = textOf('docker-config', several)
  // Butane reads YAML 1.1 in this: 0600 is octal.
  const config = (source?: string) => parseYaml(textOf('butane', several, { source }), { version: '1.1' })
  const owner = { user: { name: 'core' }, group: { name: 'core' } }

  test('holds what docker-config writes, for core alone', () => {
    expect(config()).toEqual({
      variant: 'flatcar',
      version: '1.1.0',
      storage: {
        directories: [{ path: '/home/core/.docker', mode: 0o700, ...owner }],
        files: [{ path: '/home/core/.docker/config.json', mode: 0o600, ...owner, contents: { inline: whole } }],
      },
    })
    expect(textOf('butane', several)).toMatch(/mode: 0700\n[\s\S]*mode: 0600\n/)
  })
  test('or fetches it, and checks that it is that', () => {
    const source = 'https://config.example.com/a.json?x=1#y'
    expect(config(source).storage.files[0].contents).toEqual({
      source,
      verification: { hash: `sha512-${createHash('sha512').update(whole).digest('hex')}` },
    })
    expect(textOf('butane', several, { source })).not.toContain(base64('me:a'))
  })
  test.each(['config.json', '/etc/x', 'ftp://a/b', 'javascript:x', ''])('takes no %j for an address', source => {
    expect(() => config(source)).toThrow('--source takes the address')
  })
})

describe('containerd', () => {
  test('has a table for each host, for Docker Hub the one that is asked', () => {
    expect(textOf('containerd', several).replace(/^#.*\n/gm, '')).toBe(`version = 2

[plugins."io.containerd.grpc.v1.cri".registry.configs."registry-1.docker.io".auth]
  username = "me"
  password = "b"

[plugins."io.containerd.grpc.v1.cri".registry.configs."ghcr.io".auth]
  username = "me"
  password = "a"
`)
  })
  // TOML's basic strings are read as JSON's are, but for \U.
  test.each(hostile)('holds %j to the byte', value => {
    const text = textOf('containerd', [credential('a.b', value, { username: value })])
    expect([...text.matchAll(/^ {2}(?:username|password) = (".*")$/gm)].map(([, one = '']) => JSON.parse(one))).toEqual(
      [value, value],
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: TOML allows none
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/)
  })
})

describe('nomad', () => {
  test('names the file that Docker itself would read', () => {
    expect(textOf('nomad', several, { 'auth-file': '/opt/auth.json' }).replace(/^#.*\n/gm, '')).toBe(`plugin "docker" {
  config {
    auth {
      config = "/opt/auth.json"
    }
  }
}
`)
  })
  test.each(hostile)('holds the path %j to the byte, and no template', path => {
    const [, written = ''] = /^ {6}config = (".*")$/m.exec(textOf('nomad', several, { 'auth-file': path })) ?? []
    expect(JSON.parse(written)).toBe(path)
    expect(written).not.toMatch(/[$%]\{/)
  })
})

describe('gitlab-ci', () => {
  const lines = (...credentials: Parameters<typeof textOf>[1]) =>
    parseYaml(textOf('gitlab-ci', credentials))['.registry-login'].before_script

  test.each<[Parameters<typeof credential>[0], Parameters<typeof credential>[2], string]>([
    ['ghcr.io/a', { variable: 'PAT' }, `printf '%s' "$PAT" | docker login --username me --password-stdin ghcr.io`],
    [
      'a.b:5000',
      { username: 'robot$x' },
      `printf '%s' "$TOKEN" | docker login --username 'robot$x' --password-stdin a.b:5000`,
    ],
    ['a.b', { username: "it's" }, `printf '%s' "$TOKEN" | docker login --username 'it'\\''s' --password-stdin a.b`],
    [
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
      { auth: 'aws-ecr', username: 'AWS' },
      'aws ecr get-login-password --region eu-west-1 | docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    ],
    ['ghcr.io', { auth: 'github' }, `printf '%s' "$TOKEN" | docker login --username me --password-stdin ghcr.io`],
  ])('%s %j', (key, given, line) => expect(lines(credential(key, 'x', given))).toEqual([line]))
})

describe('github-actions', () => {
  const steps = (...credentials: Parameters<typeof textOf>[1]) => parseYaml(textOf('github-actions', credentials))

  test.each<[Parameters<typeof credential>[2], object]>([
    [{ variable: 'PAT' }, { username: 'me', password: '${{ secrets.PAT }}' }],
    [{ variable: 'GITHUB_TOKEN' }, { username: 'me', password: '${{ secrets.GITHUB_TOKEN }}' }],
    [{ username: '${{ evil }}' }, { username: "${{ '${{' }} evil }}", password: '${{ secrets.TOKEN }}' }],
    [
      { auth: 'aws-ecr', username: 'AWS' },
      { username: '${{ secrets.AWS_ACCESS_KEY_ID }}', password: '${{ secrets.AWS_SECRET_ACCESS_KEY }}' },
    ],
    [
      { auth: 'azure-acr' },
      { username: '${{ secrets.AZURE_CLIENT_ID }}', password: '${{ secrets.AZURE_CLIENT_SECRET }}' },
    ],
    [
      { auth: 'gcp-access-token', username: 'oauth2accesstoken' },
      { username: 'oauth2accesstoken', password: '${{ steps.auth.outputs.access_token }}' },
    ],
    [{ username: '0o17' }, { username: '0o17', password: '${{ secrets.TOKEN }}' }],
  ])('%j', (given, login) => {
    expect(steps(credential('a.b/c', 'x', given))).toEqual([
      { name: 'Log in to a.b', uses: 'docker/login-action@v4', with: { registry: 'a.b', ...login } },
    ])
  })
  test('says what a job must allow or do before', () => {
    const text = textOf('github-actions', [
      credential('ghcr.io', 'x', { variable: 'GITHUB_TOKEN' }),
      credential('gcr.io', 'x', { auth: 'gcp-access-token' }),
    ])
    expect(text).toMatch(/^# GITHUB_TOKEN needs `permissions:/m)
    expect(text).toMatch(/^# Before these: google-github-actions\/auth/m)
  })
})
