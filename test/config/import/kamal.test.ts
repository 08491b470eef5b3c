import { describe, expect, test } from 'vitest'
import { translateKamal } from '../../../src/config/import/kamal.ts'
import { adviceOn } from '../../../src/config/import/kamal-neighbours.ts'
import { kindOf } from '../../../src/config/import/kind.ts'
import type { InvalidConfig } from '../../../src/config/problem.ts'
import { setting, translated } from './translated.ts'

const rails = `service: my-app
image: acme/my-app
servers:
  web:
    - 192.168.0.1
    - 192.168.0.2
  job:
    hosts: [job1.example.com, 192.168.0.1]
    cmd: bin/jobs --queue "a b"
    env: {clear: {QUEUE: mails}}
proxy: {ssl: true, host: app.example.com, app_port: 3000, response_timeout: 10}
registry:
  server: ghcr.io
  username: bob
  password: [KAMAL_REGISTRY_PASSWORD]
builder: {arch: amd64, args: {RUBY: 3.40}, secrets: [GITHUB_TOKEN]}
env:
  clear: {DB_HOST: my-app-db, HOSTILE: "it's \\"x\\" $(rm -rf /) \\n 🎉"}
  secret: [RAILS_MASTER_KEY, "DATABASE_URL:PROD_DB"]
volumes: ["/data/storage:/rails/storage"]
asset_path: /rails/public/assets
accessories:
  db:
    image: postgres:15
    host: 192.168.0.3
    port: "127.0.0.1:5432:5432"
    env: {clear: {POSTGRES_USER: app}, secret: [POSTGRES_PASSWORD]}
    files: ["db/setup.sql:/docker-entrypoint-initdb.d/setup.sql"]
    directories: ["data:/var/lib/postgresql/data"]
aliases: {console: app exec -i "bin/rails console"}
retain_containers: 3
deploy_timeout: 40
`

describe('a Rails app with two roles and a database', () => {
  const { draft, config, remarks } = translated('kamal', rails)

  test('is a configuration', () => {
    const build = { context: '.', args: { RUBY: '3.40' }, secrets: ['GITHUB_TOKEN'] }
    const clear = { DB_HOST: 'db.my-app.jiji', HOSTILE: 'it\'s "x" $(rm -rf /) \n 🎉' }
    const secrets = ['RAILS_MASTER_KEY', 'DATABASE_URL:PROD_DB']
    const volumes = ['/data/storage:/rails/storage']
    expect(draft).toEqual({
      project: 'my-app',
      builder: {
        registry: { server: 'ghcr.io', username: 'bob', password: 'KAMAL_REGISTRY_PASSWORD', namespace: 'acme' },
      },
      ssh: { user: 'root' },
      servers: {
        web1: { host: '192.168.0.1', arch: 'amd64' },
        web2: { host: '192.168.0.2', arch: 'amd64' },
        job1: { host: 'job1.example.com', arch: 'amd64' },
        db1: { host: '192.168.0.3', arch: 'amd64' },
      },
      services: {
        web: {
          build,
          hosts: ['web1', 'web2'],
          proxy: {
            app_port: '3000',
            ssl: 'true',
            hosts: ['app.example.com'],
            response_timeout: '10s',
            healthcheck: { deploy_timeout: '40s' },
          },
          environment: { clear, secrets },
          volumes,
        },
        job: {
          build,
          hosts: ['job1', 'web1'],
          command: ['bin/jobs', '--queue', 'a b'],
          environment: { clear: { ...clear, QUEUE: 'mails' }, secrets },
          volumes,
          healthcheck: { deploy_timeout: '40s' },
        },
        db: {
          image: 'postgres:15',
          hosts: ['db1'],
          ports: ['127.0.0.1:5432:5432'],
          environment: { clear: { POSTGRES_USER: 'app' }, secrets: ['POSTGRES_PASSWORD'] },
          files: ['db/setup.sql:/docker-entrypoint-initdb.d/setup.sql'],
          directories: ['data:/var/lib/postgresql/data'],
          stop_first: 'true',
        },
      },
      deploy: { retain: '3' },
    })
  })
  test('loads with what was in it, to the byte', () => {
    expect(config.services[0]?.environment.clear.HOSTILE).toBe('it\'s "x" $(rm -rf /) \n 🎉')
  })
  test('says what became of the rest, by key and line', () => {
    expect(remarks).toEqual([
      '2 image changed: images are named by jiji, by project and service',
      '18 env.clear.DB_HOST changed: my-app-db is db.my-app.jiji now, and reached from the same server only',
      '21 asset_path left out: files of earlier releases are not kept: serve them with a fingerprint from a volume or elsewhere',
      '26 accessories.db.port changed: stop_first goes with it: the old and the new container cannot both hold the port',
      '29 accessories.db.directories.0 changed: it is a folder of its own on the server, directories/db/data, and empty at first',
      '30 aliases left out: there are no aliases: write a script, or a function of your shell',
    ])
  })
})

const least =
  'service: a\nimage: a\nservers: [10.0.0.1]\nregistry: {server: "localhost:5555"}\nproxy: {ssl: true, host: a.acme.org}\n'

describe('a key', () => {
  test.each<[string, object]>([
    [
      'ssh: {user: app, port: 222, proxy: bastion, keys: [~/.ssh/a], key_data: [KEY], config: false}',
      { ssh: { user: 'app', port: '222', proxy: 'root@bastion', keys: ['~/.ssh/a', 'KEY'], config: 'false' } },
    ],
    [
      'builder: {arch: amd64, remote: "ssh://docker@build", local: false}',
      { builder: { remote: 'ssh://docker@build', local: 'false' } },
    ],
    ['builder: {arch: amd64, cache: {type: gha}}', { builder: { cache: { type: 'gha' } } }],
    ['boot: {limit: 25%, wait: 2}', { deploy: { parallel: '25%', wait: '2s' } }],
    [
      'drain_timeout: 20\nstop_timeout: 15\nreadiness_delay: 5',
      { deploy: { drain_timeout: '20s', stop_timeout: '15s', settle: '5s' } },
    ],
    ['env: {A: b}', { environment: { clear: { A: 'b' } } }],
    ['env:\n  A: <%= ENV["b"] %>\n  B: <%= ENV.fetch("C") %>', { environment: { secrets: ['A:B', 'B:C'] } }],
    [
      'logging: {driver: local, options: {max-size: 1m}}',
      { services: { web: { log: { driver: 'local', options: { 'max-size': '1m' } } } } },
    ],
    ['labels: {a: b}', { services: { web: { labels: { a: 'b' } } } }],
  ])('%s', (more, expected) => expect(translated('kamal', least + more).draft).toMatchObject(expected))

  test('builder paths are relative to the context', () => {
    const { draft } = translateKamal(
      `${least}builder: {context: ./app, dockerfile: ./app/Dockerfile.prod, ssh: "default=x"}`,
      setting,
    )
    expect(draft.services).toMatchObject({
      web: { build: { context: 'app', dockerfile: 'Dockerfile.prod', ssh: ['default'] } },
    })
  })

  test('a cache in a registry is in the one of the images', () => {
    const source = `${least.replace('"localhost:5555"', 'ghcr.io, username: a, password: [P]')}builder: {arch: amd64, cache: {type: registry, image: acme/cache}}`
    expect(translated('kamal', source).draft.builder).toMatchObject({
      cache: { type: 'registry', ref: 'ghcr.io/acme/cache' },
    })
  })

  const withProxy = (proxy: string) =>
    (translated('kamal', least.replace(/proxy:.*\n/, `proxy: ${proxy}\n`)).draft.services as { web: object }).web
  test.each<[string, object | undefined]>([
    [
      '{host: "a.acme.org,b.acme.org", ssl: true}',
      { app_port: '80', hosts: ['a.acme.org', 'b.acme.org'], ssl: 'true' },
    ],
    [
      '{hosts: [a.acme.org], forward_headers: true}',
      { app_port: '80', hosts: ['a.acme.org'], forward_headers: 'true' },
    ],
    ['{host: a.acme.org}', { app_port: '80', hosts: ['a.acme.org'], forward_headers: 'true' }],
    ['{ssl: true}', { app_port: '80', hosts: ['app.example.com'], ssl: 'true' }],
    [
      '{host: a.acme.org, ssl: {certificate_pem: CERT, private_key_pem: KEY}, ssl_redirect: false}',
      {
        app_port: '80',
        hosts: ['a.acme.org'],
        ssl: { certificate_pem: 'CERT', private_key_pem: 'KEY' },
        ssl_redirect: 'false',
      },
    ],
    [
      '{host: a.acme.org, ssl: true, path_prefix: /api/, strip_path_prefix: false}',
      { app_port: '80', hosts: ['a.acme.org'], ssl: 'true', path_prefix: '/api', strip_path_prefix: 'false' },
    ],
    [
      '{host: a.acme.org, ssl: true, path_prefixes: [/api, /v2]}',
      {
        targets: ['/api', '/v2'].map(path_prefix => ({
          app_port: '80',
          hosts: ['a.acme.org'],
          ssl: 'true',
          path_prefix,
        })),
      },
    ],
    [
      '{host: a.acme.org, ssl: true, healthcheck: {path: /x, interval: 3, timeout: 2}, buffering: {max_request_body: 40000000}}',
      {
        app_port: '80',
        hosts: ['a.acme.org'],
        ssl: 'true',
        healthcheck: { path: '/x', interval: '3s', timeout: '2s' },
        max_request_body: '40000000',
      },
    ],
    ['false', undefined],
  ])('proxy: %s', (written, expected) => expect((withProxy(written) as { proxy?: object }).proxy).toEqual(expected))

  const withRegistry = (registry: string, image = 'a') =>
    translated(
      'kamal',
      least.replace(/registry:.*\n/, `registry: ${registry}\n`).replace('image: a', `image: ${image}`),
    ).draft.builder
  test.each<[string, string, object]>([
    ['{server: "localhost:5555"}', 'a', { type: 'local', port: '5555' }],
    ['{username: me, password: [PW]}', 'me/a', { server: 'docker.io', username: 'me', password: 'PW' }],
    [
      `{server: ghcr.io, username: me, password: '<%= ENV["GH"] %>'}`,
      'org/a',
      { server: 'ghcr.io', username: 'me', password: 'GH', namespace: 'org' },
    ],
    [
      '{server: r.acme.org, username: me, password: hunter2}',
      'a',
      { server: 'r.acme.org', username: 'me', password: 'REGISTRY_PASSWORD' },
    ],
    [
      '{server: r.acme.org, username: [USER], password: [PW]}',
      'a',
      { server: 'r.acme.org', username: 'your-name', password: 'PW' },
    ],
    [
      '{server: 123456789012.dkr.ecr.eu-west-1.amazonaws.com, username: AWS, password: "<%= %x(aws ecr get-login-password) %>"}',
      'a',
      { server: '123456789012.dkr.ecr.eu-west-1.amazonaws.com', auth: 'aws-ecr' },
    ],
    [
      '{server: europe-docker.pkg.dev, username: _json_key_base64, password: [GCP]}',
      'p/r/a',
      { server: 'europe-docker.pkg.dev', auth: 'gcp-service-account', key: 'GCP', namespace: 'p/r' },
    ],
  ])('registry: %s of %s', (registry, image, expected) =>
    expect(withRegistry(registry, image)).toEqual({ registry: expected }),
  )

  test.each<[string, string]>([
    ['zzz: 1', '6 zzz left out: jiji has no such key'],
    ['env: {clear: {A: <%= `date` %>}}', '6 env.clear.A left out: Ruby is not run here: write the value itself'],
    [
      'env: {tags: {x: {A: b}}, clear: {}}',
      '6 env.tags left out: servers have no tags: a variable for some of them is one of a service of its own',
    ],
    ['ssh: {keys_only: true}', '6 ssh.keys_only left out: write IdentitiesOnly into ~/.ssh/config'],
    [
      'ssh: {key_data: ["-----BEGIN KEY"]}',
      '6 ssh.key_data.0 left out: put the key into a secret, and write its name under ssh.keys',
    ],
    ['builder: {arch: [amd64, arm64]}', '6 builder.arch left out: write at each server which of them it has: arch'],
    ['builder: {pack: {builder: x}}', '6 builder.pack left out: write a Dockerfile: there are no buildpacks'],
    ['hooks_path: .kamal/h', '6 hooks_path left out: hooks are in .jiji/hooks, and are told JIJI_… instead of KAMAL_…'],
    [
      'boot: {parallel_roles: true}',
      '6 boot.parallel_roles left out: services are replaced one after the other on a server: deploy.order',
    ],
    [
      'volumes: ["storage:/s"]',
      '6 volumes.0 changed: each service has a volume of its own: /PATH:/TARGET keeps what the volume holds, and is for several',
    ],
    ['accessories: {db: {host: 10.0.0.2}}', '6 accessories.db left out: it has no image'],
    [
      'accessories: {db: {image: x, host: 10.0.0.2, network: n}}',
      '6 accessories.db.network left out: all services of a server are on one network',
    ],
    [
      'accessories: {db: {image: x, host: 10.0.0.2, files: ["a.erb:/x"]}}',
      '6 accessories.db.files.0 left out: Ruby in files is not run: write what it makes',
    ],
    [
      'accessories: {db: {image: x, host: 10.0.0.2, options: {publish: 1}}}',
      '6 accessories.db.options.publish left out: jiji gives the option publish itself (write it as `ports`)',
    ],
  ])('%s is said', (more, remark) =>
    expect(translated('kamal', least + more).remarks.filter(one => !/ image changed/.test(one))).toEqual([remark]),
  )
})

test('accessories go where their role, tag or host is', () => {
  const source = `${least.replace('[10.0.0.1]', '{web: [{10.0.0.1: x}, 10.0.0.2], job: [10.0.0.3]}')}accessories:
  a: {image: a, roles: [job]}
  b: {image: b, tags: [x]}
  c: {image: c, hosts: [10.0.0.4]}
  d: {image: d, role: web}`
  const hosts = Object.entries(translated('kamal', source).draft.services as Record<string, { hosts: string[] }>)
  expect(hosts.map(([name, service]) => [name, service.hosts.join()])).toEqual([
    ['web', 'web1,web2'],
    ['job', 'job1'],
    ['a', 'job1'],
    ['b', 'web1'],
    ['c', 'c1'],
    ['d', 'web1,web2'],
  ])
})

test("a literal password of an accessory's registry is not copied", () => {
  const source = `${least}accessories: {x: {image: r.acme.org/x, host: 10.0.0.1, registry: {server: r.acme.org, username: u, password: hunter2}}}`
  const { draft, text } = translated('kamal', source)
  expect(draft.registries).toEqual({ x: { server: 'r.acme.org', username: 'u', password: 'REGISTRY_PASSWORD' } })
  expect(text).not.toContain('hunter2')
})

test('Ruby between the lines is said where it stands', () => {
  const source = `service: a\nservers: [1.2.3.4]\n<% if true %>\nx: y\n<% end %>\n`
  expect(kindOf('f', source)).toBe('kamal')
  let problems: readonly object[] = []
  try {
    translateKamal(source, setting)
  } catch (error) {
    problems = (error as InvalidConfig).problems
  }
  expect(problems[0]).toMatchObject({ line: 3, hint: expect.stringContaining('Ruby (<% … %>) is not run here') })
})

test('what stands in .kamal is told of by its names', () => {
  const neighbours = { hooks: ['pre-deploy', 'docker-setup'], secrets: ['A', 'B'] }
  expect(adviceOn(neighbours, ['B', 'C'])).toEqual([
    '.kamal/hooks/pre-deploy: copy it to .jiji/hooks, where it is told JIJI_… instead of KAMAL_…',
    '.kamal/hooks/docker-setup: left out: jiji has no such hook',
    '.kamal/secrets: B: put their values into .env, or set them in the environment',
  ])
})

test.each<[string, string]>([
  ['services: {}', 'compose'],
  ['service: a\nimage: b', 'kamal'],
  ['service: a', 'f is neither'],
  ['project: a\nservices: {}', 'f is a configuration of jiji already'],
  ['apiVersion: v1', 'f is neither'],
  ['- a', 'f is neither'],
  ['', 'f is neither'],
  ['services: [', 'compose'],
  ['a'.repeat(500_001), 'f is too long'],
])('whose file it is, by what is in it: %.20s', (source, expected) => {
  let kind: string
  try {
    kind = kindOf('f', source)
  } catch (error) {
    kind = (error as Error).message
  }
  expect(kind).toContain(expected)
})
