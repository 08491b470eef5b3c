import { describe, expect, test } from 'vitest'
import { translateCompose } from '../../../src/config/import/compose.ts'
import { InvalidConfig } from '../../../src/config/problem.ts'
import { setting, translated } from './translated.ts'

const shop = `name: Shop
x-app: &app
  restart: always
  environment: &env
    RAILS_ENV: production
    DATABASE_URL: postgres://app:\${DB_PASSWORD}@db:5432/app
    REDIS_URL: redis://redis:6379/0
    LOG_LEVEL: "\${LOG_LEVEL:-info}"
    HOSTILE: "it's \\"x\\" $$(rm -rf /) \\n 🎉"
services:
  web:
    <<: *app
    build: {context: ., target: prod, args: {RUBY: 3.40}, secrets: [npm]}
    command: bundle exec "puma -C" config/puma.rb
    ports: ["80:3000", "443:3000"]
    depends_on: [db, redis]
    volumes: [./nginx.conf:/etc/nginx.conf:ro, uploads:/uploads, .:/app, ./storage:/storage]
    deploy: {replicas: 2, resources: {limits: {cpus: '0.50', memory: 512M}}}
  worker:
    <<: *app
    build: .
    command: [bundle, exec, sidekiq]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, pgrep, sidekiq], interval: 30s}
  db:
    image: postgres:17
    volumes: [data:/var/lib/postgresql/data]
    environment: [POSTGRES_PASSWORD=hunter2, POSTGRES_DB=app]
    secrets: [pw]
    shm_size: 256mb
    healthcheck: {test: pg_isready -U postgres}
  redis:
    image: redis:7
volumes: {data: , uploads: {}}
secrets: {npm: {environment: NPM_TOKEN}, pw: {file: ./pw.txt}}
`

describe('a Compose file with web, worker, db', () => {
  const { draft, config, remarks, text } = translated('compose', shop)

  test('is a configuration', () => {
    const variables = {
      RAILS_ENV: 'production',
      REDIS_URL: 'redis://redis.shop.jiji:6379/0',
      LOG_LEVEL: 'info',
      HOSTILE: 'it\'s "x" $(rm -rf /) \n 🎉',
    }
    expect(draft).toEqual({
      project: 'shop',
      servers: { web1: { host: 'web1.example.com' } },
      services: {
        web: {
          build: { context: '.', target: 'prod', args: { RUBY: '3.40' }, secrets: ['NPM_TOKEN'] },
          hosts: ['web1'],
          command: ['bundle', 'exec', 'puma -C', 'config/puma.rb'],
          proxy: { app_port: '3000', hosts: ['app.example.com'], healthcheck: { path: '/' } },
          environment: { clear: variables, secrets: ['DATABASE_URL'] },
          volumes: ['uploads:/uploads'],
          files: ['nginx.conf:/etc/nginx.conf:ro'],
          directories: ['storage:/storage'],
          restart: 'always',
          replicas: '2',
          cpus: '0.50',
          memory: '512M',
        },
        worker: {
          build: { context: '.' },
          hosts: ['web1'],
          command: ['bundle', 'exec', 'sidekiq'],
          environment: { clear: variables, secrets: ['DATABASE_URL'] },
          restart: 'always',
          healthcheck: { command: ['pgrep', 'sidekiq'], interval: '30s' },
        },
        db: {
          image: 'postgres:17',
          hosts: ['web1'],
          environment: { clear: { POSTGRES_DB: 'app' }, secrets: ['POSTGRES_PASSWORD'] },
          volumes: ['data:/var/lib/postgresql/data'],
          files: [{ local: 'pw.txt', remote: '/run/secrets/pw', mode: '444' }],
          shm_size: '256mb',
          healthcheck: { command: 'pg_isready -U postgres' },
          stop_first: 'true',
        },
        redis: { image: 'redis:7', hosts: ['web1'] },
      },
      deploy: { order: ['db', 'redis'] },
    })
  })
  test('loads with what was in it, to the byte', () => {
    const web = config.services.find(({ name }) => name === 'web')
    expect(web?.environment.clear.HOSTILE).toBe('it\'s "x" $(rm -rf /) \n 🎉')
    expect(web?.build?.args).toEqual({ RUBY: '3.40' })
    expect(text).not.toContain('hunter2')
  })
  test('says what became of the rest, by key and line', () => {
    const toDotEnv = 'put its value into .env as DATABASE_URL, where db is db.shop.jiji now'
    const usual = 'LOG_LEVEL is not substituted: it is taken as unset'
    const named = 'redis is redis.shop.jiji now, and reached from the same server only'
    expect(remarks).toEqual([
      `11 services.web.environment.DATABASE_URL changed: DB_PASSWORD is not substituted: ${toDotEnv}`,
      `11 services.web.environment.REDIS_URL changed: ${named}`,
      `11 services.web.environment.LOG_LEVEL changed: ${usual}`,
      '13 services.web.build.secrets.0 changed: the Dockerfile has to name it id=NPM_TOKEN instead of id=npm',
      "15 services.web.ports.0 changed: jiji's proxy serves it: put its domain in the place of app.example.com",
      "15 services.web.ports.1 left out: jiji's proxy has it: see proxy.ssl",
      '17 services.web.volumes.2 left out: the image holds the sources',
      '17 services.web.volumes.3 changed: it is a folder of the server, /var/lib/jiji/shop/directories/web/storage, and empty at first',
      `19 services.worker.environment.DATABASE_URL changed: DB_PASSWORD is not substituted: ${toDotEnv}`,
      `19 services.worker.environment.REDIS_URL changed: ${named}`,
      `19 services.worker.environment.LOG_LEVEL changed: ${usual}`,
      '28 services.db.environment.0 changed: it looks like a secret, and was not copied: put its value into .env as POSTGRES_PASSWORD',
    ])
  })
  test('leads to the domain over HTTPS where that is known', () => {
    expect(translated('compose', shop, { domain: 'shop.acme.org' }).draft.services).toMatchObject({
      web: { proxy: { app_port: '3000', hosts: ['shop.acme.org'], ssl: 'true' } },
    })
  })
})

/** One service with these keys: what it becomes beside its image and hosts, and what is said. */
function service(keys: string, rest = '') {
  const { draft, remarks } = translated('compose', `services:\n  a:\n    image: busybox\n    ${keys}\n${rest}`)
  const { image: _, hosts: __, ...own } = (draft.services as Record<string, Record<string, unknown>>).a ?? {}
  return { own, remarks }
}

describe('a key of a service', () => {
  test.each<[string, object]>([
    ['command: echo "a b" \'$$HOME\' c\\ d', { command: ['echo', 'a b', '$HOME', 'c d'] }],
    ['command: []', {}],
    ['entrypoint: /init --x', { entrypoint: ['/init', '--x'] }],
    ['environment: {A: 1.10, B: "", C: yes}', { environment: { clear: { A: '1.10', B: '', C: 'yes' } } }],
    ['environment: [A, "b=${b}", "C=${X}"]', { environment: { secrets: ['A', 'b:B', 'C:X'] } }],
    [
      'environment: {DB_HOST: a, PEERS: "a:1,b:2", NAME: a}',
      { environment: { clear: { DB_HOST: 'a.shop.jiji', PEERS: 'a.shop.jiji:1,b:2', NAME: 'a' } } },
    ],
    [
      'environment: {MYSQL_ALLOW_EMPTY_PASSWORD: "yes", PW_FILE: /x}',
      { environment: { clear: { MYSQL_ALLOW_EMPTY_PASSWORD: 'yes', PW_FILE: '/x' } } },
    ],
    ['env_file: [.env]', { environment: { secrets: ['DATABASE_URL', 'mail_key:MAIL_KEY'] } }],
    ['ports: ["3000"]', { ports: ['3000'] }],
    ['ports: ["127.0.0.1:5432:5432", 53:53/udp]', { ports: ['127.0.0.1:5432:5432', '53:53/udp'], stop_first: 'true' }],
    [
      'ports: [{target: 5432, published: "5433", host_ip: 10.0.0.1}]',
      { ports: ['10.0.0.1:5433:5432'], stop_first: 'true' },
    ],
    ['volumes: [/srv/a:/a:ro, "cache:/cache"]', { volumes: ['/srv/a:/a:ro', 'cache:/cache'], stop_first: 'true' }],
    ['volumes: [{type: bind, source: ./nginx.conf, target: /n, read_only: true}]', { files: ['nginx.conf:/n:ro'] }],
    ['volumes: [{type: tmpfs, target: /t, tmpfs: {size: 64m}}]', { tmpfs: ['/t:size=64m'] }],
    ['tmpfs: /tmp', { tmpfs: ['/tmp'] }],
    ['restart: "no"', { restart: 'no' }],
    ['scale: 3', { replicas: '3' }],
    ['mem_limit: 1g', { memory: '1g' }],
    ['devices: ["/dev/a:/dev/b:r", {source: /dev/fuse}]', { devices: ['/dev/a:/dev/b:r', '/dev/fuse:/dev/fuse'] }],
    ['extra_hosts: {a: 10.0.0.1}', { extra_hosts: ['a:10.0.0.1'] }],
    ['extra_hosts: ["host.docker.internal=host-gateway"]', { extra_hosts: ['host.docker.internal:host-gateway'] }],
    ['ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}', { ulimits: { nofile: '1:2', nproc: '3' } }],
    ['logging: {driver: local, options: {max-size: 1m}}', { log: { driver: 'local', options: { 'max-size': '1m' } } }],
    ['network_mode: host', { network_mode: 'host', stop_first: 'true' }],
    ['network_mode: bridge', { network_mode: 'bridge' }],
    ['healthcheck: {disable: true}', { options: { 'no-healthcheck': 'true' } }],
    ['healthcheck: {test: [CMD-SHELL, a && b]}', { healthcheck: { command: 'a && b' } }],
    ['labels: [com.x=y]', { labels: { 'com.x': 'y' } }],
    ['init: true', { options: { init: 'true' } }],
    ['sysctls: {net.core.somaxconn: 1024}', { options: { sysctl: ['net.core.somaxconn=1024'] } }],
    ['dns: [1.1.1.1, 8.8.8.8]', { options: { dns: ['1.1.1.1', '8.8.8.8'] } }],
    ['working_dir: /app', { options: { workdir: '/app' } }],
    ['cap_add: [NET_ADMIN]', { cap_add: ['NET_ADMIN'] }],
    [
      'deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}',
      { options: { gpus: '1' } },
    ],
  ])('%s', (keys, expected) => expect(service(keys).own).toEqual(expected))

  test.each<[string, string]>([
    ['links: [b]', '4 services.a.links left out: services of a server reach each other as SERVICE.shop.jiji'],
    ['zzz: 1', '4 services.a.zzz left out: jiji has no such key'],
    ['command: echo "', '4 services.a.command left out: a quote in it is not closed'],
    [
      'cap_add: [NET ADMIN]',
      '4 services.a.cap_add.0 left out: expected a capability such as NET_ADMIN, or ALL, got "NET ADMIN"',
    ],
    ['privileged: maybe', '4 services.a.privileged left out: expected true or false, got "maybe"'],
    [
      'volumes: [../x:/x]',
      '4 services.a.volumes.0 left out: it leads out of the project: name a folder of the server, /PATH:/TARGET',
    ],
    ['volumes: [./gone.yml:/x]', '4 services.a.volumes.0 left out: there is no file gone.yml'],
    ['volumes: [/anonymous]', '4 services.a.volumes.0 left out: give the volume a name: NAME:/TARGET'],
    [
      'ports: ["3000-3005"]',
      '4 services.a.ports.0 left out: expected PORT, HOST_PORT:PORT or IP:HOST_PORT:PORT, got "3000-3005"',
    ],
    [
      'env_file: other.env',
      '4 services.a.env_file left out: other.env cannot be read: write the names of its variables under environment.secrets',
    ],
    ['restart: on-failure:3', '4 services.a.restart changed: it is restarted any number of times'],
    ['mem_limit: ${MEM}', '4 services.a.mem_limit left out: MEM is not substituted: write the value itself'],
    ['mem_limit: ${MEM:-1g}', '4 services.a.mem_limit changed: MEM is not substituted: it is taken as unset'],
    [
      'labels: {traefik.enable: true}',
      '4 services.a.labels.traefik.enable left out: routes are those of jiji: write `proxy`',
    ],
    [
      'depends_on: {a: {condition: service_completed_successfully}}',
      '4 services.a.depends_on.a left out: what runs once before a release is hooks.pre_deploy of the service',
    ],
    [
      'healthcheck: {test: "true", timeout: 1.5s}',
      '4 services.a.healthcheck.timeout left out: a duration such as 60s, 1m30s or 500ms was expected',
    ],
    ['options: {a: b}', '4 services.a.options left out: jiji has no such key'],
    ['environment: {"a b": c}', '4 services.a.environment.a b left out: expected a variable name, got "a b"'],
  ])('%s is said', (keys, remark) => expect(service(keys).remarks).toEqual([remark]))

  test('of the file itself', () => {
    const { remarks } = service(
      'secrets: [token]',
      'networks: {front: {}}\nvolumes: {d: {driver: nfs}}\nsecrets: {token: {environment: TOKEN}}\ninclude: [x.yml]',
    )
    expect(remarks).toEqual([
      '4 services.a.secrets.0 left out: pass it as a variable under environment.secrets, or put it into a file of the project',
      '5 networks.front left out: all services of a server are on one network',
      '6 volumes.d.driver left out: volumes are the local ones of each server',
      '8 include left out: translate the other file too, and put both together',
    ])
  })
})

test('what is left out of a list is said where it stood in the file', () => {
  const { own, remarks } = service('volumes: ["a b:/x", "c:/t", "d:/t", "e:/e"]')
  expect(own).toMatchObject({ volumes: ['c:/t', 'e:/e'] })
  expect(remarks.map(one => one.replace(/:.*/, ''))).toEqual([
    '4 services.a.volumes.0 left out',
    '4 services.a.volumes.2 left out',
  ])
})

test('a service on the network of another has it by the name that it has now', () => {
  const source = 'services: {App: {image: a}, side: {image: b, network_mode: "service:App"}}'
  const { draft } = translated('compose', source)
  expect(draft.services).toMatchObject({ app: {}, side: { network_mode: 'service:app' } })
})

test('a service without an image, or for a profile only, is left out whole, and others get names that fit', () => {
  const source =
    'services: {Web_App.1: {image: a}, b: {image: "${IMAGE}"}, c: {image: c, profiles: [dev]}, d: {extends: a}}'
  const { draft, remarks } = translated('compose', source)
  expect(Object.keys(draft.services as object)).toEqual(['web_app-1'])
  expect(remarks.map(one => one.replace(/:.*/, ''))).toEqual([
    '1 services.Web_App.1 changed',
    '1 services.b left out',
    '1 services.b.image left out',
    '1 services.c left out',
    '1 services.d left out',
  ])
})

test('paths are those of the project, also where the file stands deeper', () => {
  const source =
    'services: {a: {build: {context: .., dockerfile: x/Dockerfile}, volumes: [./n.conf:/n, ../../x.conf:/x]}}'
  const { draft } = translateCompose(source, { ...setting, folder: 'deploy' })
  expect(draft.services).toMatchObject({
    a: { build: { context: '.', dockerfile: 'x/Dockerfile' }, files: ['deploy/n.conf:/n'] },
  })
})

test('what is no YAML is said at its place', () => {
  expect(() => translateCompose('services: {a: [}', setting)).toThrow(InvalidConfig)
})
