import { describe, expect, test } from 'vitest'
import { configOf, linesOf, problemsOf, smallest } from './deploy-yml.ts'

const service = (text: string) => smallest.replace('image: redis:7', `image: redis:7, ${text}`)
const server = (text: string) => smallest.replace('host: web1.example.com', text)

describe('a value of the wrong kind is named, at its place', () => {
  test.each<[string, string]>([
    [`${smallest}ssh: []`, '6:6 ssh wrong-value: expected a map, got a list'],
    [`${smallest}ssh: {port: x}`, '6:13 ssh.port wrong-value: expected a whole number from 1 to 65535, got "x"'],
    [`${smallest}ssh: {port: 0}`, '6:13 ssh.port wrong-value: expected a whole number from 1 to 65535, got "0"'],
    [`${smallest}ssh: {port: 2.2}`, '6:13 ssh.port wrong-value: expected a whole number from 1 to 65535, got "2.2"'],
    [`${smallest}ssh: {port: [22]}`, '6:13 ssh.port wrong-value: expected a whole number from 1 to 65535, got a list'],
    [`${smallest}ssh: {strict: yes}`, '6:15 ssh.strict wrong-value: expected true or false, got "yes"'],
    [`${smallest}ssh: {user: ''}`, '6:13 ssh.user wrong-value: expected text, got nothing'],
    [`${smallest}ssh: {user: {a: b}}`, '6:13 ssh.user wrong-value: expected text, got a map'],
    [`${smallest}ssh: {config: {a: b}}`, '6:15 ssh.config wrong-value: expected true, false or the path of a file'],
    [
      `${smallest}deploy: {settle: 3 s}`,
      '6:18 deploy.settle wrong-value: expected a duration such as 60s, 1m30s or 500ms, got "3 s"',
    ],
    [
      `${smallest}deploy: {retain: 0}`,
      '6:18 deploy.retain wrong-value: expected a whole number from 1 to 100, got "0"',
    ],
    [
      `${smallest}deploy: {parallel: 0%}`,
      '6:20 deploy.parallel wrong-value: expected a whole number from 1 on, a percentage from 1% to 100%, or all, got "0%"',
    ],
    [
      `${smallest}deploy: {parallel: [1]}`,
      '6:20 deploy.parallel wrong-value: expected a whole number from 1 on, a percentage from 1% to 100%, or all, got a list',
    ],
    [
      `${smallest}deploy: {on_failure: stop}`,
      '6:22 deploy.on_failure wrong-value: expected rollback or keep, got "stop"',
    ],
    [
      `${smallest}deploy: {order: web}`,
      '6:17 deploy.order wrong-value: expected a list, got "web" (a list is written ["web"])',
    ],
    [`${smallest}registries: [a]`, '6:13 registries wrong-value: expected a map, got a list'],
    [
      `${smallest}builder: {registry: {type: other}}`,
      '6:28 builder.registry.type wrong-value: expected remote or local, got "other"',
    ],
    [
      `${smallest}builder: {registry: {server: a.b, password: {c: d}}}`,
      '6:45 builder.registry.password wrong-value: expected text, got a map',
    ],
    [
      smallest.replace('myapp', 'My App'),
      '1:10 project wrong-value: expected a name of 50 small letters, digits, - and _ at most, got "My App"',
    ],
    [
      smallest.replace('myapp', 'a'.repeat(51)),
      `1:10 project wrong-value: expected a name of 50 small letters, digits, - and _ at most, got "${'a'.repeat(51)}"`,
    ],
    [
      smallest.replaceAll('web1:', 'Web1:'),
      '3:3 servers.Web1 wrong-value: expected a name of 50 small letters, digits, - and _ at most, got "Web1"',
    ],
    [server('host: a, arch: x86'), '3:25 servers.web1.arch wrong-value: expected amd64 or arm64, got "x86"'],
    [
      server('host: a, keys: x'),
      '3:25 servers.web1.keys wrong-value: expected a list, got "x" (a list is written ["x"])',
    ],
    [server('host: a, engine: lxc'), '3:27 servers.web1.engine wrong-value: expected docker or podman, got "lxc"'],
    [
      smallest.replace('[web1]', 'web1'),
      '5:32 services.web.hosts wrong-value: expected a list, got "web1" (a list is written ["web1"])',
    ],
    [smallest.replace('[web1]', '[]'), '5:32 services.web.hosts wrong-value: expected at least one server'],
    [
      service('command: {a: b}'),
      '5:34 services.web.command wrong-value: expected a list of words, or one text, got a map',
    ],
    [
      service('environment: {clear: {1X: a}}'),
      '5:47 services.web.environment.clear.1X wrong-value: expected a variable name, got "1X"',
    ],
    [
      service('environment: {clear: {X: [a]}}'),
      '5:50 services.web.environment.clear.X wrong-value: expected text, got a list',
    ],
    [
      service('environment: {secrets: [A, B:c]}'),
      '5:52 services.web.environment.secrets.1 literal-secret: expected NAME or NAME:SECRET_NAME, and not the secret itself',
    ],
    [
      service('ports: ["80:x"]'),
      '5:33 services.web.ports.0 wrong-value: expected PORT, HOST_PORT:PORT or IP:HOST_PORT:PORT, got "80:x"',
    ],
    [
      service('restart: sometimes'),
      '5:34 services.web.restart wrong-value: expected no or always or unless-stopped or on-failure, got "sometimes"',
    ],
    [
      service('proxy: {app_port: 80, hosts: ["http://a"]}'),
      '5:55 services.web.proxy.hosts.0 wrong-value: expected a host name without scheme, port or path, got "http://a"',
    ],
    [
      service('proxy: {app_port: 80, hosts: []}'),
      '5:54 services.web.proxy.hosts wrong-value: expected at least one host name',
    ],
    [
      service('proxy: {app_port: 80, hosts: [a], healthcheck: {path: up}}'),
      '5:79 services.web.proxy.healthcheck.path wrong-value: expected a path that begins with /, got "up"',
    ],
    [
      smallest.replace('image: redis:7', 'build: {secrets: [npm_token]}'),
      '5:27 services.web.build.secrets.0 literal-secret: expected an ALL_CAPS secret name, and not the secret itself',
    ],
    ['- a', '1:1 - wrong-value: expected a map, got a list'],
    [
      'text',
      '1:1 - wrong-value: expected a map, got "text" (a map is written {project: …}; known here: project, builder, registries, ssh, servers, environment, services, deploy, proxy)',
    ],
  ])('%#', (text, line) => expect(linesOf(problemsOf(text))).toEqual([line]))
})

describe('an unknown key is named with the nearest known one, at its place', () => {
  test.each<[string, string]>([
    [`${smallest}sevices: {}`, '6:1 sevices unknown-key: unknown key sevices (did you mean services?)'],
    [
      `${smallest}colour: red`,
      '6:1 colour unknown-key: unknown key colour (known here: project, builder, registries, ssh, servers, environment, services, deploy, proxy)',
    ],
    [
      service('enviroment: {}'),
      '5:25 services.web.enviroment unknown-key: unknown key enviroment (did you mean environment?)',
    ],
    [
      service('proxy: {app_port: 80, hosts: [a], healthcheck: {intervall: 1s}}'),
      '5:73 services.web.proxy.healthcheck.intervall unknown-key: unknown key intervall (did you mean interval?)',
    ],
    [server('host: a, usr: b'), '3:19 servers.web1.usr unknown-key: unknown key usr (did you mean user?)'],
    [
      `${smallest}builder: {registry: {sever: x}}`,
      '6:22 builder.registry.sever unknown-key: unknown key sever (did you mean server?)',
    ],
    [
      `__proto__: {a: b}\n${smallest}`,
      '1:1 __proto__ unknown-key: unknown key __proto__ (known here: project, builder, registries, ssh, servers, environment, services, deploy, proxy)',
    ],
    [
      `~: x\n${smallest}`,
      '1:1 ~ unknown-key: unknown key ~ (known here: project, builder, registries, ssh, servers, environment, services, deploy, proxy)',
    ],
  ])('%#', (text, line) => expect(linesOf(problemsOf(text))).toEqual([line]))

  test('each of several', () => {
    expect(linesOf(problemsOf(`${smallest}a: 1\nb: 2\n`)).map(line => line.split(' ')[0])).toEqual(['6:1', '7:1'])
  })
  test('but for anchors, which stand under x-', () => {
    expect(problemsOf(`x-hosts: &hosts [web1]\n${smallest.replace('[web1]', '*hosts')}`)).toEqual([])
  })
  test('x- has no meaning further down', () => {
    expect(linesOf(problemsOf(service('x-note: a')))[0]).toContain('unknown key x-note')
  })
})

describe("a missing key is named at its parent's key", () => {
  test.each<[string, string[]]>([
    ['', [expect.stringMatching(/^1:1 - missing-key: the file is empty \(the smallest one/)]],
    [
      'project: x',
      [
        '1:1 servers missing-key: servers is missing: expected a map',
        '1:1 services missing-key: services is missing: expected a map',
      ],
    ],
    [
      'servers:\nproject:\nservices:\n',
      [
        '1:1 servers missing-key: servers is missing: expected a map',
        '2:1 project missing-key: project is missing: expected text',
        '3:1 services missing-key: services is missing: expected a map',
      ],
    ],
    [
      service('proxy: {ssl: true}'),
      [
        '5:25 services.web.proxy.app_port missing-key: app_port is missing: expected a whole number from 1 to 65535',
        '5:25 services.web.proxy.hosts missing-key: hosts is missing: expected a list',
      ],
    ],
    [server('user: a'), ['3:3 servers.web1.host missing-key: host is missing: expected text']],
    [smallest.replace('[web1]}', '}'), ['5:25 services.web.hosts missing-key: hosts is missing: expected a list']],
    [
      smallest.replace('{image: redis:7, hosts: [web1]}', '\n    image: a\n    hosts:\n      -\n'),
      ['8:8 services.web.hosts.0 missing-key: an item of the list is missing: expected text'],
    ],
    [
      `${smallest}registries: {a: {server: b.c}}`,
      ['6:14 registries.a missing-key: username is missing: expected text (add `username` and `password`)'],
    ],
  ])('%#', (text, lines) => expect(linesOf(problemsOf(text))).toEqual(lines))
})

describe('text becomes what it means', () => {
  test.each<[string, number]>([
    ['5', 5000],
    ['60s', 60_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1h', 3_600_000],
    ['0s', 0],
  ])('a duration of %s: %i ms', (text, milliseconds) => {
    expect(configOf(`${smallest}deploy: {settle: ${text}}`).deploy.settle).toBe(milliseconds)
  })
  test('versions keep their zeros, and nothing turns into a boolean', () => {
    const text = service('environment: {clear: {VERSION: 1.10, DEBUG: no, EMPTY: "", MODE: 0755}}')
    expect(configOf(text).services[0]?.environment.clear).toEqual({
      VERSION: '1.10',
      DEBUG: 'no',
      EMPTY: '',
      MODE: '0755',
    })
  })
  test.each<[string, string[]]>([
    ['"./work --fast"', ['sh', '-c', './work --fast']],
    ['["./work", --n, 1.0, ""]', ['./work', '--n', '1.0', '']],
  ])('a command of %s', (text, words) =>
    expect(configOf(service(`command: ${text}`)).services[0]?.command).toEqual(words),
  )
  test.each<[string, unknown]>([
    ['true', true],
    ['false', false],
    ['~/.ssh/other', '~/.ssh/other'],
  ])('an ssh configuration of %s', (text, value) => {
    expect(configOf(`${smallest}ssh: {config: ${text}}`).ssh.config).toBe(value)
  })
})

describe('a configuration', () => {
  test('has its defaults, and is frozen', () => {
    const config = configOf(smallest)
    expect(config).toMatchObject({
      project: 'myapp',
      scope: 'myapp',
      environment: undefined,
      builder: {
        engine: 'docker',
        cache: { type: 'engine' },
        registry: { type: 'local', port: 9270, image: 'registry:2' },
      },
      registries: [],
      ssh: { config: true, keys: [], strict: false },
      servers: [{ name: 'web1', host: 'web1.example.com', engine: 'docker' }],
      services: [{ name: 'web', image: 'redis:7', servers: ['web1'], restart: 'unless-stopped', stop_first: false }],
      deploy: { parallel: 'all', wait: 0, order: [], on_failure: 'rollback' },
    })
    expect(config).toMatchObject({
      deploy: { drain_timeout: 30_000, stop_timeout: 10_000, settle: 3000, retain: 5 },
      proxy: { image: 'caddy:2', http_port: 80, https_port: 443 },
    })
    expect(() => Object.assign(config.services[0] ?? {}, { name: 'x' })).toThrow(TypeError)
  })
  test('gives servers the engine of the builder, unless they have their own', () => {
    const text = `${server('host: a}\n  web2: {host: b, engine: docker').replace('[web1]', '[web2, web1]')}builder: {engine: podman}`
    const { servers, services } = configOf(text)
    expect(servers.map(({ name, engine }) => [name, engine])).toEqual([
      ['web1', 'podman'],
      ['web2', 'docker'],
    ])
    expect(services[0]?.servers).toEqual(['web1', 'web2'])
  })
  test("lets a service's own variables win, whichever way either is given", () => {
    const text = `${service('environment: {clear: {A: own, B: own}, secrets: [C, D:OTHER]}')}environment: {clear: {A: all, C: all, E: all}, secrets: [B, D, F]}`
    const { clear, secrets } = configOf(text).services[0]?.environment ?? { clear: {}, secrets: [] }
    expect(clear).toEqual({ A: 'own', B: 'own', E: 'all' })
    expect(secrets.map(({ name, secret }) => `${name}=${secret.text} at ${secret.path.join('.')}`)).toEqual([
      'F=F at environment.secrets.2',
      'C=C at services.web.environment.secrets.0',
      'D=OTHER at services.web.environment.secrets.1',
    ])
  })
})
