import { describe, expect, test } from 'vitest'
import { configOf, linesOf, problemsOf, smallest } from './deploy-yml.ts'

const built = smallest.replace('image: redis:7', 'build: {}')
const withRegistry = (text: string, base = built) => `${base}builder: {registry: {${text}}}`

const messagesOf = (text: string) => linesOf(problemsOf(text)).map(line => line.replace(/^\S+ /, ''))

describe("the builder's registry", () => {
  test.each<[string, string]>([
    ['server: ghcr.io', 'GHCR requires username to be configured'],
    ['server: GHCR.IO', 'GHCR requires username to be configured'],
    ['server: docker.io', 'Docker Hub requires username to be configured'],
    ['server: index.docker.io', 'Docker Hub requires username to be configured'],
    ['server: "https://index.docker.io/v1/"', 'Docker Hub requires username to be configured'],
  ])('%s: %s', (registry, message) => {
    expect(problemsOf(withRegistry(registry))).toMatchObject([
      { code: 'missing-key', message, path: 'builder.registry.server' },
    ])
  })
  test.each([
    'server: ghcr.io/owner',
    'server: ghcr.io, namespace: owner',
    'server: ghcr.io, username: me, password: TOKEN',
    'server: docker.io/owner',
    'server: registry.example.com',
    'type: remote, server: registry.example.com:5000',
    'server: docker.io, username: me@example.com, password: TOKEN, namespace: me',
    'server: docker.io/me, username: me@example.com, password: TOKEN',
    'server: harbor.example.com, username: robot$ci, password: TOKEN',
    'server: 123456789012.dkr.ecr.eu-west-1.amazonaws.com, username: AWS, password: TOKEN',
    'type: local',
    'type: local, port: 5000, image: "registry:3"',
    '',
  ])('%s is enough', registry => expect(problemsOf(withRegistry(registry))).toEqual([]))
  test('needs no user where nothing is built', () => {
    expect(problemsOf(withRegistry('server: ghcr.io', smallest))).toEqual([])
  })
  test.each<[string, string[]]>([
    [
      'type: local, server: a.b',
      ['builder.registry.server conflict: a local registry has no server (remove `server`, or write type: remote)'],
    ],
    [
      'type: remote',
      [
        'builder.registry.type missing-key: server is missing: a remote registry needs its host (for example server: ghcr.io)',
      ],
    ],
    [
      'username: me, password: TOKEN',
      [
        'builder.registry.username conflict: a local registry has no username (remove `username`, or add the `server` of a remote registry)',
        'builder.registry.password conflict: a local registry has no password (remove `password`, or add the `server` of a remote registry)',
      ],
    ],
    [
      'type: local, namespace: org',
      [
        'builder.registry.namespace conflict: a local registry has no namespace (remove `namespace`, or add the `server` of a remote registry)',
      ],
    ],
    [
      'server: ghcr.io/owner, password: TOKEN',
      ['builder.registry.password missing-key: username is missing: a password alone cannot log in (add `username`)'],
    ],
    [
      'server: a.b, username: me',
      [
        'builder.registry.username missing-key: password is missing: a user name alone cannot log in (add `password: REGISTRY_PASSWORD`, the name of a secret)',
      ],
    ],
    [
      'server: docker.io, username: me@example.com, password: TOKEN',
      [
        'builder.registry.username wrong-value: "me@example.com" cannot be a part of an image\'s name (add `namespace`, which then stands there instead)',
      ],
    ],
    [
      'server: a.b, namespace: my org',
      [
        'builder.registry.namespace wrong-value: "my org" cannot be a part of an image\'s name (write it as image names have it)',
      ],
    ],
    [
      'server: "me:hunter2@ghcr.io"',
      [
        "builder.registry.server wrong-value: the registry's name holds user information or a digest (write host[:port][/namespace] only)",
      ],
    ],
  ])('%s is told apart', (registry, messages) => expect(messagesOf(withRegistry(registry))).toEqual(messages))
})

describe('registries to pull from', () => {
  test('have a name that can be read', () => {
    expect(messagesOf(`${smallest}registries: {a: {server: "b c", username: x, password: Y}}`)).toEqual([
      'registries.a.server wrong-value: the registry\'s name has no host name that can be used: "b c" (a registry is written as host[:port][/namespace], for example ghcr.io/your-org)',
    ])
  })
  test('are held by their canonical keys', () => {
    const text = `${smallest}registries: {a: {server: "https://GHCR.io/Company/", username: Bot, password: PAT}}`
    expect(configOf(text).registries).toMatchObject([{ name: 'a', key: 'ghcr.io/company', username: 'Bot' }])
  })
})

describe('the seed of a server', () => {
  const local = smallest.replace('image: redis:7', 'build: {}')
  const withServers = (text: string, more = '') =>
    linesOf(problemsOf(`${local.replace('  web1: {host: web1.example.com}\n', text)}${more}`)).map(line =>
      line.replace(/^\S+ /, ''),
    )

  test.each([
    '  web1: {host: a}\n  web2: {host: b, seed: web1}\n  web3: {host: c, seed: web2}\n',
    '  web1: {host: a, seed: false}\n  web2: {host: b, seed: web1}\n',
    '  web1: {host: local, seed: false}\n',
  ])('may be %j', text => expect(withServers(text)).toEqual([]))
  test.each<[string, string[], string?]>([
    [
      '  web1: {host: a, seed: wbe2}\n  web2: {host: b}\n',
      ['servers.web1.seed unknown-server: there is no server wbe2 (did you mean web2?)'],
    ],
    [
      '  web1: {host: a, seed: Web 2}\n',
      ['servers.web1.seed wrong-value: expected a name of 50 small letters, digits, - and _ at most, got "Web 2"'],
    ],
    [
      '  web1: {host: a, seed: web1}\n',
      ['servers.web1.seed conflict: a server cannot be its own seed (name another one, or write seed: false)'],
    ],
    [
      '  web1: {host: a, arch: arm64, seed: web2}\n  web2: {host: b, arch: amd64}\n',
      [
        'servers.web1.seed conflict: web2 is amd64, and has no image for arm64 (name another one, or write seed: false)',
      ],
    ],
    [
      '  web1: {host: a, seed: web2}\n  web2: {host: b, seed: web1}\n  web3: {host: c, seed: web2}\n',
      [
        'servers.web1.seed conflict: the seeds go in a circle: web1 → web2 → web1 (one of them must get its images from here: remove its `seed`, or write seed: false)',
        'servers.web2.seed conflict: the seeds go in a circle: web2 → web1 → web2 (one of them must get its images from here: remove its `seed`, or write seed: false)',
      ],
    ],
    [
      '  web1: {host: local, seed: web2}\n  web2: {host: b}\n',
      ['servers.web1.seed conflict: this machine has what it builds (remove `seed`)'],
    ],
    [
      '  web1: {host: a, seed: here}\n  here: {host: local}\n',
      ['servers.web1.seed conflict: here is this machine, where images come from anyway (write seed: false)'],
    ],
    [
      '  web1: {host: a, seed: web2}\n  web2: {host: b}\n',
      [
        'servers.web1.seed conflict: only images of a local registry are handed on (remove `seed`: servers pull from the registry)',
      ],
      'builder: {registry: {server: registry.example.com}}\n',
    ],
  ])('%j', (text, problems, more) => expect(withServers(text, more)).toEqual(problems))
})

describe('the order of a rollout', () => {
  test.each<[string, string[]]>([
    ['[web]', []],
    ['[]', []],
    ['[wbe]', ['6:18 deploy.order.0 unknown-service: there is no service wbe (did you mean web?)']],
    ['[db, web]', ['6:18 deploy.order.0 unknown-service: there is no service db (declared under services: web)']],
    [
      '[web, toString]',
      ['6:23 deploy.order.1 unknown-service: there is no service toString (declared under services: web)'],
    ],
    ['[web, web]', ['6:23 deploy.order.1 conflict: web stands there twice (remove one of the two)']],
  ])('%s', (order, problems) => expect(linesOf(problemsOf(`${smallest}deploy: {order: ${order}}\n`))).toEqual(problems))
})

describe('services', () => {
  const service = (text: string) => smallest.replace('image: redis:7, hosts: [web1]', text)

  test.each<[string, string[]]>([
    ['image: a, hosts: [wbe1]', ['services.web.hosts.0 unknown-server: there is no server wbe1 (did you mean web1?)']],
    [
      'image: a, hosts: [web1, database]',
      ['services.web.hosts.1 unknown-server: there is no server database (declared under servers: web1)'],
    ],
    [
      'image: a, hosts: [constructor]',
      ['services.web.hosts.0 unknown-server: there is no server constructor (declared under servers: web1)'],
    ],
    [
      'hosts: [web1]',
      [
        'services.web.image missing-key: image or build is missing: one says what to run (add image: NAME:TAG for one that there is, or build: {context: .} to build it)',
      ],
    ],
    [
      'image: a, build: {}, hosts: [web1]',
      [
        'services.web.image conflict: image and build exclude each other (remove `build` to run the image as it is, or `image` to build one)',
      ],
    ],
    [
      'image: a, ports: ["3000", "127.0.0.1:80:80"], hosts: [web1]',
      [
        'services.web.ports.1 conflict: a fixed host port cannot be held by the old and the new container at once (add stop_first: true (a short gap), or route through `proxy`)',
      ],
    ],
    [
      'image: x y, hosts: [web1]',
      [
        'services.web.image wrong-value: the image\'s name has a namespace that no registry allows: "x y" (an image is written as [host[:port]/][namespace/]name[:tag][@digest])',
      ],
    ],
    [
      'image: "me:hunter2@ghcr.io/x", hosts: [web1]',
      [
        "services.web.image wrong-value: the image's name holds user information or a digest (an image is written as [host[:port]/][namespace/]name[:tag][@digest])",
      ],
    ],
    [
      'image: "ghcr.io/", hosts: [web1]',
      [
        "services.web.image wrong-value: the image's name has no repository after it (an image is written as [host[:port]/][namespace/]name[:tag][@digest])",
      ],
    ],
  ])('%s', (text, messages) => expect(messagesOf(service(text))).toEqual(messages))

  test('may hold a fixed port when they stop first', () => {
    expect(problemsOf(service('image: a, ports: ["80:80"], stop_first: true, hosts: [web1]'))).toEqual([])
  })
  test.each([
    'redis',
    'redis:7',
    'owner/app:1',
    'ghcr.io/owner/app',
    'localhost:5000/app:1',
    'docker.io/library/redis@sha256:1b2c',
    'redis:7@sha256:1b2c',
  ])('run the image %s', image => expect(problemsOf(service(`image: "${image}", hosts: [web1]`))).toEqual([]))
})

describe('what is built', () => {
  const build = (text: string) => smallest.replace('image: redis:7', `build: {${text}}`)
  const found = (text: string, files: Record<string, string> = {}) =>
    problemsOf(build(text), undefined, files).map(({ path, code, message }) => `${path} ${code}: ${message}`)

  test.each<[string, string, RegExp]>([
    ['context: nope', 'services.web.build.context', /there is no folder .*\/nope$/],
    ['context: Dockerfile', 'services.web.build.context', /there is no folder .*\/Dockerfile$/],
    ['dockerfile: other', 'services.web.build.dockerfile', /there is no .*\/other$/],
    ['context: app', 'services.web.build.context', /there is no .*\/app\/Dockerfile$/],
  ])('%s', (text, path, message) => {
    const [only, ...others] = problemsOf(build(text), undefined, { 'app/x': '' })
    expect(only).toMatchObject({ path, code: 'missing-file', message: expect.stringMatching(message) })
    expect(others).toEqual([])
  })
  test('has a Containerfile as well', () => {
    expect(found('context: app', { 'app/Containerfile': 'FROM scratch' })).toEqual([])
  })
  test('has its Dockerfile in the context', () => {
    expect(found('context: app, dockerfile: docker/prod', { 'app/docker/prod': 'FROM scratch' })).toEqual([])
  })
})

describe('a host name leads to one service on a server', () => {
  const two = (web: string, api: string) => `project: x
servers: {one: {host: a}, two: {host: b}}
services:
  web: {image: a, hosts: ${web}, proxy: {app_port: 1, hosts: [app.example.com]}}
  api: {image: a, hosts: ${api}, proxy: {app_port: 1, hosts: [api.example.com, APP.example.com]}}
`
  test('and not to a second there', () => {
    expect(messagesOf(two('[one]', '[two, one]'))).toEqual([
      'services.api.proxy.hosts.1 conflict: app.example.com already leads to the service web (remove it in one of the two, or give one a `path_prefix`)',
    ])
  })
  test('but it may elsewhere', () => expect(problemsOf(two('[one]', '[two]'))).toEqual([]))
})

describe('a secret that stands in the file', () => {
  const warningsOf = (text: string) => linesOf(configOf(text).warnings.filter(({ code }) => code === 'literal-secret'))

  test.each<[string, string]>([
    ['builder: {registry: {server: a.b, username: me, password: hunter2}}', '6:59 builder.registry.password'],
    ['registries: {a: {server: b.c, username: me, password: "Hunter 2"}}', '6:55 registries.a.password'],
  ])('%s is a warning that names its place', (text, place) => {
    const [warning = '', ...others] = warningsOf(`${smallest}${text}`)
    expect(others).toEqual([])
    expect(warning).toContain(`${place} literal-secret`)
    expect(warning).not.toMatch(/hunter/i)
  })
  test.each(['TOKEN', 'A', '"$(pass show token)"', 'T0_KEN'])('%s is none', password => {
    expect(warningsOf(`${smallest}builder: {registry: {server: a.b, username: me, password: ${password}}}`)).toEqual([])
  })
  test('a path of a key is none', () => {
    expect(warningsOf(`${smallest}ssh: {keys: [~/.ssh/id_ed25519, DEPLOY_KEY]}`)).toEqual([])
  })
})

describe('problems', () => {
  test('come together, in the order of the file', () => {
    const text = `project: myapp
services:
  web: {image: redis:7, hosts: [web9], ports: ["80:80"]}
  api: {hosts: [web1]}
servers:
  web1: {host: a}
`
    expect(linesOf(problemsOf(text)).map(line => line.split(' ')[0])).toEqual(['3:33', '3:48', '4:3'])
  })
})
