import { chmodSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { catalogue } from '../../src/cli/catalogue.ts'
import { main } from '../../src/cli/main.ts'
import { describeOption, Options, shared } from '../../src/cli/options.ts'
import { loadConfig } from '../../src/config/load.ts'
import { findHooks } from '../../src/deploy/hooks.ts'
import { type ErrorCode, JijiError } from '../../src/errors.ts'
import { exits } from '../../src/shell/engine.ts'
import { Printer } from '../../src/ui/printer.ts'
import { folderWith } from '../config/folder.ts'
import { type Answer, fakeServers, unhealthy } from '../deploy/fake.ts'
import { containerLine } from '../deploy/world.ts'
import { localImages } from '../registry/local-images.ts'

const machine = vi.hoisted(() => ({ runnerOf: (server: string): unknown => server }))
vi.mock('../../src/runner/local.ts', () => ({ localRunner: (server: string) => machine.runnerOf(server) }))
/** No name is looked up, and the registry of this machine is one of these tests. */
vi.mock('../../src/registry/protocol/dial.ts', async () => {
  const { RequestFailed } = await import('../../src/registry/protocol/failure.ts')
  const dialHere = (host: string) =>
    host === '127.0.0.1'
      ? Promise.resolve(connect(localRegistry.port, host))
      : Promise.reject(new RequestFailed('dns', 'ENOTFOUND', 'there is no network'))
  return { dialHere, dialFrom: () => dialHere }
})

const localRegistry = { port: 0, images: localImages() }
const localServer = createServer((request, response) => localRegistry.images.listener(request, response))

beforeAll(async () => {
  vi.stubGlobal('JIJI_VERSION', '0.0.0')
  await new Promise<void>(resolve => localServer.listen(0, '127.0.0.1', resolve))
  localRegistry.port = (localServer.address() as AddressInfo).port
})
afterAll(() => void localServer.close())
afterEach(() => vi.restoreAllMocks())

const yaml = `project: app
builder: {registry: {server: registry.invalid, username: me, password: TOKEN}}
registries: {other: {server: other.invalid, username: me, password: OTHER}}
ssh: {keys: [~/.ssh/id, DEPLOY_KEY]}
servers: {web1: {host: local}, web2: {host: local}}
services:
  web: {build: {}, hosts: [web1, web2]}
  worker: {image: worker, hosts: [web1]}
`
const files = {
  Dockerfile: 'FROM scratch',
  '.jiji/deploy.yml': yaml,
  '.jiji/deploy.staging.yml': 'services: {worker: {image: staged}}\n',
  '.env': 'TOKEN=hunter2\nOTHER=second!\nDEPLOY_KEY=the-key\n',
  'logins.json': '{"auths":{"ghcr.io":{"auth":"bWU6cHc="}}}',
}

/** What a server says that runs both services. */
const deployed: Answer = {
  stdout: `engine {"version":"27","arch":"${process.arch === 'x64' ? 'amd64' : process.arch}"}
proxy caddy:2 80 443
container ${containerLine({ service: 'web', release: 'r2', image: 'registry.invalid/app-web:r2' })}
container ${containerLine({ service: 'web', release: 'r1', isRunning: false })}
container ${containerLine({ service: 'worker', release: 'r2' })}
container ${containerLine({ service: 'worker', release: 'r1', isRunning: false })}
release {"schemaVersion":1,"id":"r2","version":"r2","services":{"web":{"container":"app-web-r2"},"worker":{"container":"app-worker-r2"}}}
release {"schemaVersion":1,"id":"r1","version":"r1","services":{"web":{"container":"app-web-r1"},"worker":{"container":"app-worker-r1"}}}
current r2
ready
`,
}

type Setting = {
  files?: Record<string, string>
  answers?: Record<string, Answer>
  environment?: Record<string, string>
  directory?: string
  isTty?: boolean
  typed?: string
  /** Servers that cannot be connected to, and why. */
  down?: Record<string, ErrorCode>
  stdout?: PassThrough
}

async function jiji(line: string, setting: Setting = {}) {
  const { answers = {}, environment = {}, isTty = false, typed, down = {} } = setting
  const directory = setting.directory ?? folderWith(setting.files ?? files)
  const { log, scripts, runners } = fakeServers(['here', 'web1', 'web2'], {
    observe: deployed,
    lock: deployed,
    ...answers,
  })
  machine.runnerOf = server => {
    const code = down[server]
    if (code) throw new JijiError(code, `cannot reach ${server}`, { server, hint: 'is it up?' })
    return runners.get(server)
  }
  const [stdin, made, stderr] = [0, 1, 2].map(() =>
    Object.assign(new PassThrough({ highWaterMark: 1_000_000 }), { isTTY: isTty }),
  )
  const stdout = setting.stdout ?? made
  if (typed !== undefined) stdin?.write(typed)
  if (!isTty) stdin?.end()
  const forgotten: string[] = []
  const argv = line.split(' ').filter(word => word !== '')
  const forget = (names: readonly string[]) => forgotten.push(...names)
  const world = { argv, environment, forget, directory, stdin, stdout, stderr } as unknown as Parameters<typeof main>[0]
  const code = await main(world)
  return {
    code,
    out: String(stdout?.read() ?? ''),
    err: String(stderr?.read() ?? ''),
    log,
    scripts,
    directory,
    forgotten,
  }
}

/** Each command as it is run here, so that all of its way is walked. */
const walks: Record<string, string> = {
  init: 'init --yes',
  validate: 'validate --secrets',
  build: 'build',
  deploy: 'deploy',
  rollback: 'rollback',
  'service restart': 'service restart',
  'service scale': 'service scale web=2',
  'service remove': 'service remove worker --yes',
  'service prune': 'service prune --yes',
  'proxy restart': 'proxy restart --yes',
  'proxy upgrade': 'proxy upgrade --yes',
  'proxy remove': 'proxy remove --force --yes',
  'server init': 'server init --yes',
  'server teardown': 'server teardown --yes --confirm app',
  'server backup': 'server backup -H web1 --to web1.tgz',
  'server restore': 'server restore logins.json -H web1 --force --yes',
  config: 'config services.web',
  docs: 'docs services',
  completion: 'completion bash',
  complete: 'complete -- deploy -H w',
  man: 'man pages',
  status: 'status',
  logs: 'logs',
  exec: 'exec web ls -la',
  run: 'run web ls -la',
  'server exec': 'server exec uptime',
  'server list': 'server list',
  'proxy logs': 'proxy logs',
  audit: 'audit',
  'lock status': 'lock status',
  'lock acquire': 'lock acquire',
  'lock release': 'lock release',
  'registry login': 'registry login',
  'registry logout': 'registry logout',
  'registry list': 'registry list',
  'registry verify': 'registry verify registry.invalid/app-web',
  'registry explain': 'registry explain other.invalid/app:1',
  'registry setup': 'registry setup',
  'registry export': 'registry export docker-config',
  'registry import': 'registry import logins.json',
  'registry tunnel': 'registry tunnel',
  'registry prune': 'registry prune --yes',
  'registry remove': 'registry remove --yes',
  doctor: 'doctor',
  version: 'version',
}

/** Where that is not a project with a remote registry. */
const localFiles = { ...files, '.jiji/deploy.yml': yaml.replace(/(builder|registries):.*\n/g, '') }
const settings: Record<string, Setting> = {
  init: { directory: folderWith({}) },
  'registry prune': { files: localFiles },
  'registry tunnel': { files: localFiles },
}

describe('every command', () => {
  test.each(catalogue.map(({ name }) => [name]))('%s goes its way on servers that answer', async name => {
    const line = walks[name] ?? ''
    expect(line).not.toBe('')
    const { code, err } = await jiji(line, settings[name])
    expect([code, err.includes('fault')]).toEqual([0, false])
  })

  test('init names what is still to be filled in', async () => {
    const next = async (line: string) => (await jiji(line, { directory: folderWith({}) })).err
    expect(await next('init --yes --registry ghcr.io')).toContain(
      'next: put the address of your server and your user name at the registry into .jiji/deploy.yml',
    )
    expect(await next('init --server web1.acme.org --registry ghcr.io/me')).not.toContain('next: put')
  })

  /** Other ways that a command goes, for the options that only matter there. */
  const turns: Record<string, string[]> = {
    'registry login': ['registry login a.b --username me --password-stdin'],
    'registry export': ['registry export docker-config --to logins --force'],
    rollback: ['rollback --list'],
    docs: ['docs --markdown', 'docs --schema'],
    init: ['init --full'],
  }
  const reads = new Map<string, Set<string>>()
  const listed = catalogue.flatMap(({ name, shared: own, options = [] }) =>
    [...own.map(one => shared[one]), ...options].map(option => [name, describeOption(option).name] as const),
  )
  const readBy = async (name: string): Promise<Set<string>> => {
    const known = reads.get(name)
    if (known) return known
    const found = new Set<string>()
    for (const method of ['text', 'list', 'flag'] as const) {
      const original: (this: Options, option: string) => unknown = Options.prototype[method]
      vi.spyOn(Options.prototype, method).mockImplementation(function (this: Options, option: string) {
        found.add(option)
        return original.call(this, option) as never
      })
    }
    const here = { ...files, '.jiji/deploy.yml': yaml.replace(/builder:.*\n/, '') }
    for (const own of name.startsWith('registry') ? [files, here] : [files]) {
      const folder = name === 'init' ? folderWith({}) : folderWith(own)
      await jiji(walks[name] ?? '', { directory: folder, isTty: true, typed: 'y\n' })
      for (const turn of turns[name] ?? []) await jiji(turn, { directory: folder, typed: 'y\n' })
    }
    vi.restoreAllMocks()
    reads.set(name, found)
    return found
  }
  test.each(listed)('%s reads --%s, which it takes', async (name, option) => {
    expect([...(await readBy(name))]).toContain(option)
  })

  describe.each(['hosts', 'services'] as const)('that takes --%s', option => {
    const taking = catalogue.filter(({ shared }) => shared.includes(option)).map(({ name }) => [name])
    test.each(taking)('%s knows which there are', async name => {
      const walk = { ...walks, validate: 'validate --online' }[name]?.split(' ') ?? []
      const own = name.split(' ').length
      const line = [...walk.slice(0, own), `--${option}=nope`, ...walk.slice(own)].join(' ')
      const { code, err, log } = await jiji(
        line.replace(/-H web1|(?<=restart) web/, ''),
        name === 'registry tunnel' ? { files: localFiles } : {},
      )
      const what = option === 'hosts' ? 'server' : 'service'
      expect([code, err]).toEqual([2, expect.stringContaining(`no ${what} matches nope`)])
      expect(log.filter(one => one.startsWith('web'))).toEqual([])
    })
  })

  /** What each wants of the secrets in `secretYaml`; those that are not here want none. */
  const wanted: Record<string, string[]> = {
    validate: ['TOKEN', 'OTHER', 'NPM', 'SHARED', 'WEB', 'WORKER', 'DEPLOY_KEY'], // --secrets
    build: ['TOKEN', 'OTHER', 'NPM'],
    deploy: ['TOKEN', 'OTHER', 'NPM', 'SHARED', 'WEB', 'WORKER'],
    'service restart': ['TOKEN', 'OTHER', 'SHARED', 'WEB', 'WORKER'],
    'service scale': ['TOKEN', 'OTHER', 'SHARED', 'WEB'],
    run: ['SHARED', 'WEB'],
    'registry login': ['TOKEN', 'OTHER'],
    'registry verify': ['TOKEN', 'OTHER'],
    'registry setup': ['TOKEN', 'OTHER'],
    'registry export': ['TOKEN', 'OTHER'],
  }
  const secretYaml = `${yaml
    .replace('build: {}', 'build: {secrets: [NPM]}, environment: {secrets: [WEB]}')
    .replace('image: worker', 'image: worker, environment: {secrets: [WORKER]}')}environment: {secrets: [SHARED]}
`
  const secretFiles = { ...files, '.jiji/deploy.yml': secretYaml, '.env': '' }
  const missingIn = (err: string) => [
    ...new Set([...err.matchAll(/the secret (\w+) is not set/g)].map(([, one]) => one)),
  ]
  const secretful = catalogue.filter(
    ({ shared, onlyLooks, name }) => name !== 'init' && (shared.includes('config') || !onlyLooks),
  )
  test.each(secretful.map(({ name }) => [name]))('%s wants the secrets that it needs, and no others', async name => {
    const isLocal = settings[name]?.files !== undefined
    const remoteOnes = secretYaml.replace(/(builder|registries):.*\n/g, '')
    const setting = isLocal ? { files: { ...secretFiles, '.jiji/deploy.yml': remoteOnes } } : { files: secretFiles }
    const { code, err, log } = await jiji(walks[name] ?? '', setting)
    expect(missingIn(err).toSorted()).toEqual((wanted[name] ?? []).toSorted())
    expect(code).toBe(wanted[name] ? 2 : 0)
    if (wanted[name]) expect(log.filter(one => / (lock|pull|build|log in|start .*)$/.test(one))).toEqual([])
  })
  test.each([
    ['status', 'web1', []],
    ['status', 'web2', ['WEB2_KEY']],
    ['lock status', 'web1,web2', ['WEB2_KEY']],
    ['server list', 'web3', ['DEPLOY_KEY']],
    ['logs', 'web2,web3', ['DEPLOY_KEY', 'WEB2_KEY']],
    ['deploy -S worker', 'web1', ['OTHER', 'SHARED', 'TOKEN', 'WORKER']],
    ['run web ls', 'web1', ['SHARED', 'WEB']],
    ['registry logout --skip-remote', '*', []],
    ['registry logout', 'web3', ['DEPLOY_KEY']],
  ])('%s -H %s wants the keys of those servers alone', async (line, hosts, names) => {
    const more = 'web2: {host: web2.invalid, keys: [WEB2_KEY]}, web3: {host: web3.invalid}'
    const text = secretYaml.replace('web2: {host: local}', more).replace('[web1, web2]', '[web1, web2, web3]')
    const words = line.startsWith('run') ? `run -H ${hosts} web ls` : `${line} -H ${hosts}`
    const { code, err } = await jiji(words, { files: { ...secretFiles, '.jiji/deploy.yml': text } })
    expect([missingIn(err).toSorted(), code]).toEqual([names, names.length > 0 ? 2 : 0])
  })
  test('jiji run wants the credential of the image that runs, and no other', async () => {
    const { code, err, log } = await jiji('run web ls', {
      files: { ...secretFiles, '.env': 'SHARED=a\nWEB=b\nOTHER=c\n' },
    })
    expect([code, missingIn(err)]).toEqual([2, ['TOKEN']])
    expect(log.filter(one => !/observe|id -un/.test(one))).toEqual([])
  })

  test.each(catalogue.filter(({ isHidden }) => !isHidden).map(command => [command.name, command] as const))(
    '%s changes nothing with JIJI_DRY_RUN',
    async (name, { onlyLooks, shared }) => {
      const setting = {
        ...settings[name],
        directory: folderWith(name === 'init' ? {} : (settings[name]?.files ?? files)),
        environment: { JIJI_DRY_RUN: '1' },
      }
      const walk =
        name === 'registry export' ? 'registry export docker-config --to logins --force' : (walks[name] ?? '')
      const before = contentsOf(setting.directory)
      const { code, err, log } = await jiji(walk, setting)
      const isTried = onlyLooks || shared.includes('dryRun')
      expect(code).toBe(isTried ? 0 : 2)
      if (!isTried)
        expect([err, log]).toEqual([expect.stringContaining(`JIJI_DRY_RUN is set, and jiji ${name} has`), []])
      expect(
        log.filter(
          one => /(lock|build|push|pull \w+|log (in|out)|collect garbage)$/.test(one) && !/read lock/.test(one),
        ),
      ).toEqual([])
      expect(contentsOf(setting.directory)).toEqual(before)
    },
  )
})

function contentsOf(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(one => one.isFile())
  return names.map(({ parentPath, name }) => `${name} ${readFileSync(join(parentPath, name), 'utf8')}`).toSorted()
}

test.each(['docs services --markdown', 'docs --schema --markdown'])(
  'jiji %s says that it cannot be both',
  async line => {
    const { code, err } = await jiji(line)
    expect([code, err]).toEqual([2, expect.stringContaining('goes with nothing else')])
  },
)

test('jiji service restart pulls again what is gone, also where its name has the digest in it', async () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const line = containerLine({ service: 'worker', release: 'r2', image: `worker@${digest}`, digest })
  const said = {
    stdout: `${deployed.stdout?.replace(/^container .*"jiji.service":"worker".*$/gm, '')}container ${line}\nready\n`,
  }
  const { code, scripts } = await jiji('service restart worker', { answers: { observe: said, lock: said } })
  const pull = scripts.find(({ deed }) => deed === 'pull worker')
  expect([code, String(pull?.script)]).toEqual([0, expect.stringMatching(new RegExp(`\\bworker@${digest}\\b`))])
  expect(String(pull?.script)).not.toContain('@sha256@')
})

describe('jiji deploy', () => {
  test('builds, pushes, locks, replaces and records', async () => {
    const { code, out, log } = await jiji('deploy --version 1.10')
    expect(code).toBe(0)
    expect(out).toMatch(/^SERVICE +SERVER +BEFORE +NOW +ADDRESS\nweb +web1 +r2 +1\.10/)
    const on = (server: string) =>
      log.filter(one => one.startsWith(`${server} `)).map(one => one.slice(server.length + 1))
    expect(on('here').filter(one => /build|push/.test(one))).toEqual(['build', 'push'])
    expect(on('web2')).toEqual([
      'trust',
      'ways',
      'lock',
      'pull web',
      expect.stringMatching(/^start app-web-/),
      'record',
      'finish',
      'lock ended',
    ])
  })
  describe('with hooks', () => {
    const hook = '#!/bin/sh\necho "$JIJI_HOOK $JIJI_ACTION of $JIJI_PROJECT $JIJI_VERSION by ${JIJI_PERFORMER:+who}"\n'
    const names = ['pre-connect', 'pre-build', 'pre-deploy', 'post-deploy', 'on-failure']
    const withHooks = async (line: string, setting: Setting & { failing?: string } = {}) => {
      const text = (name: string) => `${hook}env >"env.$JIJI_HOOK"\n${name === setting.failing ? 'exit 7\n' : ''}`
      const hooks = Object.fromEntries(names.map(name => [`.jiji/hooks/${name}`, text(name)]))
      const directory = folderWith({ ...files, ...hooks })
      for (const name of names) chmodSync(join(directory, '.jiji/hooks', name), 0o755)
      const environment = { PATH: process.env.PATH ?? '', ...setting.environment }
      const result = await jiji(line, { ...setting, environment, directory })
      const ran = [...result.err.matchAll(/^(\S+): \1 (.*)$/gm)].map(([, name]) => name ?? '')
      return { ...result, ran, environmentOf: (name: string) => readFileSync(join(directory, `env.${name}`), 'utf8') }
    }
    test('runs each in its turn, with what it needs to know and no secrets', async () => {
      const { code, err, ran, environmentOf } = await withHooks('deploy --version 1.10', {
        environment: { TOKEN: 'geheim', OWN: 'known' },
      })
      expect(code).toBe(0)
      expect(ran).toEqual(['pre-connect', 'pre-build', 'pre-deploy', 'post-deploy'])
      for (const name of ran) expect(err).toContain(`${name}: ${name} deploy of app 1.10 by who\n`)
      expect(environmentOf('pre-deploy')).toMatch(/^JIJI_SERVERS=web1,web2$/m)
      expect(environmentOf('pre-deploy')).toMatch(/^JIJI_RELEASE=\S+$/m)
      expect(environmentOf('pre-deploy')).toMatch(/^OWN=known$/m)
      for (const name of ran) expect(environmentOf(name)).not.toContain('geheim')
    })
    test.each(['pre-connect', 'pre-build', 'pre-deploy'])(
      'stops before anything is changed when %s fails',
      async failing => {
        const { code, err, ran, log, environmentOf } = await withHooks('deploy --version 1.10', { failing })
        expect([code, err]).toEqual([1, expect.stringContaining(`error: the hook ${failing} ended with status 7`)])
        expect(ran.at(-1)).toBe('on-failure')
        expect(environmentOf('on-failure')).toMatch(/^JIJI_ERROR_CODE=hook.failed$/m)
        expect(log.filter(one => / (start|pull|proxy|routes|record)/.test(one))).toEqual([])
      },
    )
    test('warns when post-deploy fails, because that changes nothing', async () => {
      const { code, err, ran } = await withHooks('rollback', { failing: 'post-deploy' })
      expect([code, err]).toEqual([0, expect.stringContaining('warning: the hook post-deploy ended with status 7')])
      expect(ran).toEqual(['pre-connect', 'pre-deploy', 'post-deploy'])
    })
    test('tells on-failure of an unhealthy release, and its own failure changes nothing', async () => {
      const answers = { start: unhealthy }
      const { code, err, environmentOf } = await withHooks('deploy', { answers, failing: 'on-failure' })
      expect([code, err]).toEqual([6, expect.stringContaining('warning: the hook on-failure ended with status 7')])
      expect(environmentOf('on-failure')).toMatch(/^JIJI_ERROR_CODE=release.unhealthy$/m)
    })
    test.each(['deploy --skip-hooks', 'deploy --dry-run'])('%s runs none', async line => {
      const { code, ran } = await withHooks(line)
      expect([code, ran]).toEqual([0, []])
    })
  })
  test('proves the credentials before anything is built or changed', async () => {
    const { code, err, log } = await jiji('deploy', { answers: { ways: { stdout: '{}' } } })
    expect(err).toContain('here, web1, web2: the name registry.invalid does not resolve')
    expect([code, log.filter(one => !/ (trust|ways|version)$/.test(one) && !/id -un|check-ignore/.test(one))]).toEqual([
      1,
      [],
    ])
  })
  test('--skip-verify leaves that out', async () => {
    const { code, log } = await jiji('deploy --skip-verify', { answers: { ways: { stdout: '{}' } } })
    expect([code, log.filter(one => / (trust|ways)$/.test(one))]).toEqual([0, []])
  })
  test('a build alone asks the registry here whether it takes the credential', async () => {
    const { code, log } = await jiji('build')
    expect([code, log.filter(one => / (trust|ways|build)$/.test(one))]).toEqual([0, ['here trust', 'here build']])
  })
  test('never shows a secret, however much it says', async () => {
    const answers = { 'here build': { code: 1, stderr: 'no hunter2 here\nnor aHVudGVyMg==\n' } }
    const { code, out, err, log } = await jiji('deploy -v', { answers })
    expect(code).toBe(1)
    expect(out + err).not.toMatch(/hunter2|second!|aHVudGVyMg/)
    expect(err).toContain('no [TOKEN] here')
    expect(log.filter(one => one.includes('start'))).toEqual([])
  })
  test('records no secret either', async () => {
    const answers = {
      'start app-web-r9': unhealthy,
      'web1 pull web,worker': { code: 1, stderr: 'denied for hunter2\n' },
    }
    const { code, scripts } = await jiji('deploy', { answers })
    expect(code).toBe(1)
    const audit = scripts.find(({ deed }) => deed === 'audit')?.script.render()
    expect(audit).toContain('denied for [TOKEN]')
  })
  test('that is unhealthy ends with 6, shows the last log lines, and is on the record', async () => {
    const { code, err, scripts } = await jiji('deploy', { answers: { start: unhealthy } })
    expect(code).toBe(6)
    expect(err).toContain(
      '  | the database\n  | is missing\nSERVES NOW         ON\nweb r2, worker r2  web1\nweb r2             web2\nerror: web1: web did not become healthy: /up answered 503 in 60 s',
    )
    const audit = scripts.filter(({ deed }) => deed === 'audit').map(({ script }) => script.render())
    expect(audit).toHaveLength(2)
    expect(audit[0]).toContain('"result":"rolled-back"')
  })
  describe('with a server that is down', () => {
    const down = { web2: 'server.unreachable' as const }
    test('changes nothing, and names the flag that leaves it out', async () => {
      const { code, err, log } = await jiji('deploy', { down })
      expect(code).toBe(4)
      expect(err).toContain(
        'error: cannot reach web2\n  is it up?\n  nothing was changed; --skip-unreachable leaves it out',
      )
      expect(log.filter(one => /lock|pull|start/.test(one))).toEqual([])
    })
    test.each(['deploy', 'rollback', 'service restart', 'service scale web=2'])(
      '%s --skip-unreachable goes on without it, and names it in the end',
      async line => {
        const { code, err, log } = await jiji(`${line} --skip-unreachable`, { down })
        expect(code).toBe(0)
        expect(err.trimEnd().split('\n')).toContain(
          'warning: web2 was left out, and serves what it did before: cannot reach web2',
        )
        expect(log.filter(one => one.startsWith('web2'))).toEqual([])
        expect(log).toContain('web1 lock')
      },
    )
    test('says so in the plan, and in JSON', async () => {
      const environment = { JIJI_SKIP_UNREACHABLE: '1' }
      const { out } = await jiji('deploy --dry-run', { down, environment })
      expect(out).toContain('  web2 is left out: cannot reach web2')
      expect(out).not.toContain('web2 (docker)')
      const { out: json } = await jiji('deploy -o json', { down, environment })
      const { servers, skipped } = JSON.parse(json.trimEnd().split('\n').at(-1) ?? '')
      expect(servers.map(({ server }: { server: string }) => server)).toEqual(['web1'])
      expect(skipped).toEqual([{ server: 'web2', code: 'server.unreachable', reason: 'cannot reach web2' }])
    })
    test.each<[string, Record<string, ErrorCode>]>([
      ['that is not who it was', { web2: 'server.host-key' }],
      ['that refuses us', { web2: 'server.refused' }],
      ['like all others', { web1: 'server.timeout', web2: 'server.unreachable' }],
    ])('%s is not left out', async (_, down) => {
      const { code, err, log } = await jiji('deploy --skip-unreachable', { down })
      expect([code, log.filter(one => one.includes('lock'))]).toEqual([4, []])
      expect(err).not.toContain('leaves it out')
    })
  })
  test('of one service on one server leaves the others alone', async () => {
    const { code, log } = await jiji('deploy -S worker -H web1', { environment: { JIJI_VERSION: '2' } })
    expect(code).toBe(0)
    expect(log.filter(one => one.startsWith('web2') || one.includes('build'))).toEqual([])
    expect(log.find(one => one.startsWith('web1 start '))).toMatch(/^web1 start app-worker-/)
  })
  test('waits for the lock with 5', async () => {
    const owner = { by: 'ann', host: 'ci', since: 'noon', command: 'rollback' }
    const { code, err } = await jiji('deploy', {
      answers: { lock: { code: exits.lockHeld, stdout: `lock ${JSON.stringify(owner)}\n` } },
    })
    expect(code).toBe(5)
    expect(err).toContain('error: web1: the lock is held by ann from ci since noon (rollback)')
  })
  test('--dry-run changes nothing, and asks nothing', async () => {
    const { code, out, log } = await jiji('deploy --dry-run --version 1.10', { isTty: true })
    expect(code).toBe(0)
    expect(out).toMatch(/^deploy app 1\.10\n {2}build web as registry\.invalid\/app-web:1\.10\n/)
    expect(log.filter(one => !/observe|version|check-ignore/.test(one))).toEqual([])
  })
  test('--dry-run -v shows every script, and still changes nothing, and waits for nothing', async () => {
    const waiting = { ...files, '.jiji/deploy.yml': `${yaml}deploy: {wait: 1h}\n` }
    const { code, err, log } = await jiji('deploy --dry-run -v', { files: waiting })
    expect(code).toBe(0)
    expect(err).toMatch(/^# web1\nsh <<'EOF'$[\s\S]*docker run -d/m)
    expect(err).not.toMatch(/hunter2|second!/)
    expect(log.filter(one => !/observe|version|check-ignore/.test(one))).toEqual([])
  })
  test.each<[string, number, boolean]>([
    ['y\n', 0, true],
    ['\n', 0, true],
    ['n\n', 130, false],
  ])('asks on a terminal: %j ends with %i', async (typed, status, isDone) => {
    const { code, err, log } = await jiji('deploy', { isTty: true, typed })
    expect(err).toContain('Go ahead? [Y/n]')
    expect([code, log.includes('web1 record')]).toEqual([status, isDone])
    if (!isDone) expect(log).not.toContain('here build')
  })
  test('-y asks nothing', async () => {
    expect((await jiji('deploy -y', { isTty: true })).err).not.toContain('Go ahead')
  })
  test.each(['deploy --version 1.10', 'rollback', 'service restart', 'service scale web=2'])(
    '%s -o json tells events as they happen, and then the result',
    async line => {
      const { out } = await jiji(`${line} -o json`)
      const lines = out
        .trimEnd()
        .split('\n')
        .map(one => JSON.parse(one))
      const result = lines.pop()
      expect(result).toMatchObject({ schemaVersion: 1, type: 'result', result: 'done', seconds: expect.any(Number) })
      expect(result.action).toBe(line.split(' ').find(word => word === result.action))
      expect(lines.every(({ type, at }) => ['event', 'warning'].includes(type) && Date.parse(at) > 0)).toBe(true)
      expect(lines).toContainEqual(expect.objectContaining({ step: 'lock', state: 'done', server: 'web1' }))
      expect(lines).toContainEqual(expect.objectContaining({ step: 'record', state: 'done', server: 'web2' }))
    },
  )
  test('-o json ends with the error', async () => {
    const { code, out } = await jiji('deploy -o json', { answers: { start: unhealthy } })
    const lines = out
      .trimEnd()
      .split('\n')
      .map(one => JSON.parse(one))
    expect([code, lines.length > 3, lines.at(-1)]).toEqual([
      6,
      true,
      expect.objectContaining({ type: 'error', error: expect.objectContaining({ code: 'release.unhealthy' }) }),
    ])
  })
  test('of an environment takes its files', async () => {
    const { out } = await jiji('deploy -e staging --dry-run -o json')
    expect(JSON.parse(out)).toMatchObject({ environment: 'staging' })
    expect(out).toContain('"image": "staged"')
  })
  test('connects to nothing when a secret is missing', async () => {
    const elsewhere = yaml.replace('web2: {host: local}', 'web2: {host: web2.invalid}')
    const { code, err, log } = await jiji('deploy', { files: { ...files, '.jiji/deploy.yml': elsewhere, '.env': '' } })
    expect(code).toBe(2)
    expect(err.match(/the secret \w+ is not set/g)).toEqual([
      'the secret TOKEN is not set',
      'the secret OTHER is not set',
      'the secret DEPLOY_KEY is not set',
    ])
    expect(log).toEqual([])
  })
  test('takes secrets from the environment, unless it is told not to', async () => {
    const environment = { TOKEN: 'a1b2c3', OTHER: 'x9y8z7', DEPLOY_KEY: 'k' }
    const without = { ...files, '.env': '' }
    expect((await jiji('deploy', { files: without, environment })).code).toBe(0)
    expect((await jiji('deploy --no-host-env', { files: without, environment })).code).toBe(2)
  })
  test('by GitHub says so in the lock', async () => {
    const environment = { GITHUB_ACTOR: 'bob', GITHUB_REPOSITORY: 'o/r', GITHUB_RUN_ID: '7' }
    const { scripts } = await jiji('deploy', { environment })
    expect(scripts.find(({ deed }) => deed === 'lock')?.script.render()).toContain(
      '"by":"bob","host":"GitHub Actions o/r/7"',
    )
  })
})

describe('jiji rollback', () => {
  test('goes back to the containers of the release before, and says so in the lock', async () => {
    const { code, out, log, scripts } = await jiji('rollback -e staging', {
      answers: Object.fromEntries(
        ['observe', 'lock'].map(one => [one, { stdout: deployed.stdout?.replaceAll('app', 'app-staging') ?? '' }]),
      ),
    })
    expect([code, out]).toEqual([0, expect.stringContaining('went back to app r1')])
    expect(log).toContain('web2 restart app-staging-web-r1')
    expect(scripts.find(({ deed }) => deed === 'lock')?.script.render()).toContain('"command":"rollback -e staging"')
  })
  test('lists what can be gone back to, and changes nothing', async () => {
    const { code, out, log } = await jiji('rollback --list')
    expect([code, out]).toEqual([0, expect.stringMatching(/^r1 .* web1 +web worker +yes: its containers are there$/m)])
    expect(out).toMatch(/^r2 .* web2 +web worker +this is the current one$/m)
    const { out: shown } = await jiji('rollback --list', { isTty: true })
    expect(shown).toMatch(/web1, web2 +web worker +yes: its containers are there/)
    expect(shown).not.toMatch(/^.*web1 .*\n.*web2 /m)
    expect(new Set(log)).toEqual(new Set(['web1 observe', 'web2 observe']))
    const json = JSON.parse((await jiji('rollback --list -H web1 -o json')).out)
    expect(json).toMatchObject({
      schemaVersion: 1,
      releases: [
        { release: 'r2', servers: [{ server: 'web1', state: 'current' }] },
        { release: 'r1', servers: [{ state: 'possible', how: 'start' }] },
      ],
    })
    for (const more of ['r1', '--dry-run']) expect((await jiji(`rollback --list ${more}`)).code).toBe(2)
  })
  test('with nothing to go back to ends with 2', async () => {
    const empty = { stdout: 'ready\n' }
    const { code, err } = await jiji('rollback', { answers: { lock: empty, observe: empty } })
    expect([code, err]).toEqual([2, expect.stringContaining('there is no release before the current one')])
  })
})

describe('jiji service prune', () => {
  test('asks nothing where there is nothing to take away', async () => {
    const { code, err, scripts } = await jiji('service prune', { isTty: true })
    expect([code, err]).toEqual([0, 'there is nothing to take away\n'])
    expect(scripts.filter(({ deed }) => deed === 'lock')).toEqual([])
  })
})

describe('what must be confirmed where nobody can be asked', () => {
  test.each([
    'service remove worker',
    'service prune',
    'proxy remove --force',
    'server init',
    'server restore logins.json -H web1 --force',
    'registry remove',
  ])('is not confirmed by Enter alone: %s', async line => {
    const without = line.startsWith('registry') ? yaml.replace(/builder:.*\n/, '') : yaml
    const own = { ...files, '.jiji/deploy.yml': `${without}deploy: {retain: 1}\n` }
    const { code, err, log } = await jiji(line, { files: own, isTty: true, typed: '\n' })
    expect([code, err]).toEqual([130, expect.stringMatching(/Go ahead\? \[y\/N\][\s\S]*error:.* nothing was changed/)])
    expect(log.filter(one => /lock|remove|record|write/.test(one))).toEqual([])
  })
})

describe('the width', () => {
  const longest = (text: string) => Math.max(...text.split('\n').map(line => line.length))
  test.each(['deploy --help', 'registry', 'docs services.web', 'docs', 'status', 'validate -c nowhere.yml'])(
    'of %s is what COLUMNS says',
    async line => {
      const { out, err } = await jiji(line, { environment: { COLUMNS: '40' } })
      expect(longest(out)).toBeLessThanOrEqual(40)
      if (line.includes('nowhere')) expect(err).toMatch(/^error: there is no\n/)
      else expect(out).not.toBe((await jiji(line)).out)
    },
  )
  test('of what a program reads is any', async () => {
    const [narrow, whole] = await Promise.all([
      jiji('config', { environment: { COLUMNS: '20' } }),
      jiji('config', { environment: {} }),
    ])
    expect(narrow.out).toBe(whole.out)
  })
})

describe('jiji validate', () => {
  const broken = { ...files, '.jiji/deploy.yml': `${yaml}sevices: {}\nx-a: {}\n` }
  const well = { ...files, '.jiji/deploy.yml': yaml.replace(/^ssh:.*\n/m, '') }
  test('says that all is well', async () => {
    const { code, out, err } = await jiji('validate', { files: well })
    expect([code, out, err]).toEqual([0, expect.stringMatching(/deploy\.yml is valid\n$/), ''])
  })
  test('names each problem', async () => {
    const { code, out, err } = await jiji('validate', { files: broken })
    expect([code, out]).toEqual([2, ''])
    expect(err).toBe(
      'error: .jiji/deploy.yml:9:1: sevices: unknown key sevices\n  9 | sevices: {}\n    | ^\n  did you mean services?\n',
    )
  })
  test('-o json is one document, with problems or without', async () => {
    const { code, out } = await jiji('validate -o json', { files: broken })
    expect(code).toBe(2)
    expect(JSON.parse(out)).toMatchObject({
      schemaVersion: 1,
      problems: [
        {
          line: 9,
          column: 1,
          path: 'sevices',
          code: 'unknown-key',
          message: 'unknown key sevices',
          hint: 'did you mean services?',
        },
      ],
    })
    expect(JSON.parse((await jiji('validate -o json', { files: well })).out)).toEqual({
      schemaVersion: 1,
      problems: [],
      warnings: [],
    })
  })
  test('looks up secrets when it is asked to', async () => {
    const without = { ...files, '.env': 'TOKEN=hunter2' }
    expect((await jiji('validate', { files: without })).code).toBe(0)
    const { code, err } = await jiji('validate --secrets', { files: without })
    expect([code, err.match(/the secret \w+ is not set/g)?.length]).toEqual([2, 2])
  })
  test.each(['-H web1', '-S web', '-H web1 -S worker'])('%s is for more than the files', async words => {
    const { code, err } = await jiji(`validate ${words}`)
    expect([code, err]).toEqual([2, expect.stringContaining('the files are checked as a whole')])
    const environment = { JIJI_HOSTS: 'web1', JIJI_SERVICES: 'web' }
    expect((await jiji('validate', { environment })).code).toBe(0)
  })
  test.each([
    ['', ['web1', 'web2']],
    ['-H web2', ['web2']],
    ['-S worker', ['web1']],
    ['-S web -H web1', ['web1']],
  ])('--online %s asks %j', async (words, servers) => {
    const { log } = await jiji(`validate --online ${words}`, { files: localFiles })
    expect(log.filter(one => /^web. examine$/.test(one)).map(one => one.replace(' examine', ''))).toEqual(servers)
  })
  test('warns of a secret that stands in the file, and does not show it', async () => {
    const literal = { ...files, '.jiji/deploy.yml': yaml.replace('password: TOKEN', 'password: hunter2') }
    const { code, out, err } = await jiji('validate', { files: literal })
    expect([code, out + err]).toEqual([0, expect.not.stringContaining('hunter2')])
    expect(err).toContain('warning: .jiji/deploy.yml:2:72: builder.registry.password')
  })
})

describe('an error', () => {
  test.each<[string, Setting, number, string]>([
    ['deploy --bogus -o json', {}, 2, 'usage.unknown-option'],
    ['deploy --bogus --output=json', {}, 2, 'usage.unknown-option'],
    ['depoly', { environment: { JIJI_OUTPUT: 'json' } }, 2, 'usage.unknown-command'],
    ['status -o json', { directory: folderWith({}) }, 2, 'config.missing'],
    ['status -o json -e nope', {}, 2, 'config.missing'],
    ['status -o json -H web9', {}, 2, 'select.no-match'],
    ['status -o json', { answers: { observe: { code: exits.engineMissing } } }, 1, 'engine.missing'],
  ])('of %s is JSON where JSON is wanted', async (line, setting, status, code) => {
    const { code: exit, out, err } = await jiji(line, setting)
    expect([exit, err]).toEqual([status, ''])
    expect(JSON.parse(out)).toMatchObject({ schemaVersion: 1, error: { code, message: expect.any(String) } })
  })
  test.each<[string, string]>([
    ['status -o yaml', '--output takes table or json, not yaml'],
    ['logs -n many', '--lines takes a whole number or all, not many'],
    ['audit -n -1', '--lines takes a whole number or all, not -1'],
    ['audit --since soon', '--since takes a time or a duration, not soon'],
    ['audit --action rolback', 'nothing is recorded as rolback'],
    ['registry login --skip-local --skip-remote', '--skip-local and --skip-remote together leave nothing to do'],
    ['registry remove', 'the local registry would be removed'],
    ['deploy --version a/b', '"a/b" cannot be a version'],
    ['deploy -H ,', 'no server is named'],
  ])('of usage: %s', async (line, message) => {
    const local = { ...files, '.jiji/deploy.yml': yaml.replace(/builder:.*\n/, '') }
    const { code, err } = await jiji(line, line.includes('remove') ? { files: local } : {})
    expect([code, err]).toEqual([2, expect.stringContaining(`error: ${message}`)])
  })
  test('of ours shows its stack and ends with 1', async () => {
    const { code, err } = await jiji('status', { answers: { observe: { stdout: 'container {' } } })
    expect([code, err]).toEqual([1, expect.stringContaining('this is a fault of jiji, not yours\nSyntaxError')])
  })
})

describe('jiji exec', () => {
  const answer = (code: number, stdout = '', stderr = '') => ({ code, stdout, stderr })
  const words = (server: string, container: string) => `${server} interruptible docker exec ${container} ls`
  test('runs the words in one container, and ends as they do', async () => {
    const answers = { [words('web1', 'app-web-r2')]: answer(3, 'no newline', 'hunter2\n') }
    const { code, out, err, log } = await jiji('exec web ls', { answers })
    expect([code, out, err]).toEqual([3, 'no newline', '[TOKEN]\n'])
    expect(log.filter(one => one.includes(' ls'))).toEqual([words('web1', 'app-web-r2')])
  })
  test('goes to the first server where it runs', async () => {
    const { code, log } = await jiji('exec web ls', { answers: { 'web1 observe': answer(0, 'engine {}\n') } })
    expect([code, log.at(-1)]).toEqual([0, words('web2', 'app-web-r2')])
  })
  test.each<[number, number, number]>([
    [0, 0, 0],
    [3, 4, 3],
    [0, 4, 7],
  ])('--all: %i and %i end with %i', async (first, second, status) => {
    const answers = {
      [words('web1', 'app-web-r2')]: answer(first, 'one\n'),
      [words('web2', 'app-web-r2')]: answer(second, 'two\n'),
    }
    const { code, out, err } = await jiji('exec --all web ls', { answers })
    expect([code, out.split('\n').toSorted()]).toEqual([status, ['', 'web1 web | one', 'web2 web | two']])
    if (second) expect(err).toContain('web2 web: ended with status 4')
  })
  test.each<[string, number, string]>([
    ['exec -i web sh', 2, '--interactive needs a terminal'],
    ['exec -i --all web sh', 2, '--interactive is for one container'],
    ['exec w* sh', 2, 'exec is for one service, and w* names 2'],
    ['exec wbe sh', 2, 'no service matches wbe'],
    ['exec web', 2, 'jiji exec needs <...command>'],
    ['server exec -i sh', 2, '--interactive needs a terminal'],
  ])('%s is refused', async (line, status, message) => {
    const { code, err } = await jiji(line)
    expect([code, err]).toEqual([status, expect.stringContaining(`error: ${message}`)])
  })
  test('that nothing runs for says so', async () => {
    const { code, err } = await jiji('exec web ls', { answers: { observe: answer(0, 'engine {}\n') } })
    expect([code, err]).toEqual([1, expect.stringContaining('web runs on none of these servers')])
  })
  test('on the servers themselves gives each line its server', async () => {
    const { code, out } = await jiji('server exec uptime', { answers: { 'interruptible uptime': answer(0, 'up\n') } })
    expect([code, out.split('\n').toSorted()]).toEqual([0, ['', 'web1 | up', 'web2 | up']])
  })
})

describe('jiji status', () => {
  test('is a table, or JSON', async () => {
    const { out } = await jiji('status')
    expect(out.split('\n')[0]).toMatch(/^SERVICE +SERVER +VERSION +STATE +HEALTH +SINCE +CERTIFICATE +ROUTES$/)
    expect(JSON.parse((await jiji('status -o json -S worker')).out)).toEqual({
      schemaVersion: 1,
      services: [expect.objectContaining({ service: 'worker', server: 'web1', version: 'r2', health: 'unknown' })],
    })
  })
  test.each<[string, Record<string, string>, boolean]>([
    ['', {}, true],
    [' --progress plain', {}, false],
    ['', { JIJI_PROGRESS: 'plain' }, false],
    ['', { TERM: 'dumb' }, false],
    ['', { CI: 'true' }, false],
  ])('--watch%s with %j draws the table again: %s', async (more, environment, isDrawn) => {
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 })
    let out = ''
    stdout.on('data', chunk => {
      out += String(chunk)
      // Nobody reads it any more.
      stdout.emit('error', new Error('EPIPE'))
    })
    await jiji(`status --watch${more}`, { stdout, isTty: true, environment: { TERM: 'xterm', ...environment } })
    expect(out).toMatch(isDrawn ? /^.\[HSERVICE +SERVER/ : /^\d{4}-\S+Z web web1 r2 running/)
    expect(out.includes('\u001b')).toBe(isDrawn)
  })
})

test('jiji doctor names the checks of a place together where each would take four lines', async () => {
  const { out } = await jiji('doctor', { environment: { COLUMNS: '40' } })
  expect(out).toMatch(/^here {2}[a-z]+: \w/)
  expect(out).toMatch(/^web1 {2}ok: [a-z, \n]*ssh/m)
  expect(out).not.toContain('place:')
})

describe('what is going on', () => {
  test.each<[string, Record<string, string>, boolean]>([
    ['deploy -y', {}, true],
    ['deploy -y --progress auto', { JIJI_PROGRESS: 'plain' }, true],
    ['deploy -y --progress plain', {}, false],
    ['deploy -y', { JIJI_PROGRESS: 'plain' }, false],
    ['doctor', {}, true],
    ['doctor --progress plain', {}, false],
    ['status', {}, false],
  ])('is shown live by jiji %s with %j: %s', async (line, environment, isLive) => {
    const live = vi.spyOn(Printer.prototype, 'withLive')
    await jiji(line, { isTty: true, environment: { TERM: 'xterm', ...environment } })
    expect(live).toHaveBeenCalledTimes(isLive ? 1 : 0)
  })
  test('is shown in no other way', async () => {
    const { code, err } = await jiji('deploy --progress fancy')
    expect([code, err]).toEqual([2, expect.stringContaining('--progress takes auto or plain, not fancy')])
  })
})

describe('jiji server list', () => {
  test('says of each server what it is for, and whether it answers', async () => {
    const answers = { 'web2 observe': { code: exits.engineMissing } }
    const { code, out, err } = await jiji('server list', { answers })
    expect(out).toMatch(/^web1 +local +- +docker 27 +(amd64|arm64) +web worker +answered in \d+ ms$/m)
    expect(out).toMatch(/^web2 +local +- +docker +- +web +web2: docker is not installed$/m)
    expect([code, err]).toEqual([1, expect.stringContaining('1 of 2 servers failed')])
  })
})

describe('jiji audit', () => {
  const line = (hour: number, more: object) =>
    `entry ${JSON.stringify({ at: `2026-01-31T0${hour}:00:00Z`, by: 'ann', action: 'deploy', server: 'web1', result: 'done', ...more })}\n`
  const answers = {
    'web1 read audit': {
      stdout: `${line(1, { from: '1', to: '2' })}${line(4, { action: 'exec', services: ['web'] })}known a\n`,
    },
    'web2 read audit': {
      stdout: `${line(2, { server: 'web2', by: 'ben' })}entry spoilt\n${line(3, { server: 'web2' })}known b\n`,
    },
  }
  const timesOf = async (words: string) =>
    JSON.parse((await jiji(`audit -o json ${words}`, { answers })).out).entries.map(({ at }: { at: string }) => at[12])

  test('merges all servers by time, without what is spoilt', async () => {
    const { code, out } = await jiji('audit', { answers })
    expect(code).toBe(0)
    expect(out.replace(/ {2,}/g, '  ')).toBe(`WHEN  SERVER  WHO  WHAT  RESULT
2026-01-31T01:00:00Z  web1  ann  deploy 1 -> 2  done
2026-01-31T02:00:00Z  web2  ben  deploy  done
2026-01-31T03:00:00Z  web2  ann  deploy  done
2026-01-31T04:00:00Z  web1  ann  exec web  done
`)
  })
  test('takes a line or two for each where a table would be a list of five', async () => {
    const { out } = await jiji('audit', { answers, environment: { COLUMNS: '40' } })
    expect(out.split('\n').slice(0, 4)).toEqual([
      '2026-01-31T01:00:00Z  web1  ann  deploy',
      '  1 -> 2  done',
      '2026-01-31T02:00:00Z  web2  ben  deploy',
      '  done',
    ])
  })
  test.each<[string, string[]]>([
    ['--by BEN', []],
    ['--by ben', ['2']],
    ['--by ann -n 1', ['3', '4']],
    ['--action deploy', ['1', '2', '3']],
    ['-S web', ['4']],
    ['--since 2026-01-31T03:00:00Z', ['3', '4']],
    ['-H web2', ['2', '3']],
  ])('%s: %j', async (words, times) => expect(await timesOf(words)).toEqual(times))
  test('has a server count only what needs no second look', async () => {
    const script = async (words: string) => (await jiji(`audit ${words}`)).scripts.at(-1)?.script.render()
    expect(await script('-n 7 --action lock')).toMatch(/\| grep -F -e '"action":"lock"' .* \| tail -n 7$/m)
    expect(await script('-n 7 --by ann')).not.toContain('tail -n')
    expect(await script('-n all')).not.toContain('tail -n')
  })
  test('shows what can be reached, and that is not all', async () => {
    const lost = { ...answers, 'web2 read audit': { code: 1, stderr: 'no\n' } }
    const { code, out, err } = await jiji('audit', { answers: lost })
    expect([code, out.split('\n').length, err]).toEqual([1, 4, expect.stringContaining('1 of 2 servers failed')])
  })
  test.each<[string, object, string]>([
    ['exec web ls -la', { action: 'exec', services: ['web'] }, '-la'],
    ['server exec uptime hunter2', { action: 'server exec' }, 'uptime'],
    ['run web ls -la', { action: 'run', services: ['web'] }, '-la'],
  ])('has an entry of %s before it runs, without its words', async (words, entry, word) => {
    const { scripts } = await jiji(words)
    const index = scripts.findIndex(({ deed }) => deed === 'audit')
    const text = scripts[index]?.script.render() ?? ''
    expect(JSON.parse(/'(\{"at".*\})'/.exec(text)?.[1] ?? 'null')).toMatchObject({ ...entry, result: 'begun' })
    expect(text).not.toContain(word)
    expect(scripts.findIndex(({ script }) => script.render().includes(word))).toBeGreaterThan(index)
  })
  test('that cannot be written keeps no command from running', async () => {
    const { code, err } = await jiji('server exec uptime', { answers: { audit: { code: 1, stderr: 'disk full\n' } } })
    expect([code, err]).toEqual([0, expect.stringContaining('warning: web1: this is not in the audit: disk full')])
  })
  test('has an entry of a lock that is taken or released by hand', async () => {
    for (const action of ['acquire', 'release']) {
      const { scripts } = await jiji(`lock ${action}`)
      for (const { script } of scripts.filter(({ deed }) => deed === `${action === 'acquire' ? 'take' : action} lock`))
        expect(script.render()).toContain(`"action":"lock ${action}"`)
    }
  })
})

describe('jiji lock', () => {
  const owner = { by: 'ann', host: 'ci', since: 'noon', command: 'deploy' }
  const held = { stdout: `lock ${JSON.stringify(owner)}\n` }

  test('acquire takes it on all servers', async () => {
    const { code, out, scripts } = await jiji('lock acquire -m moving')
    expect([code, out]).toEqual([0, 'locked on web1, web2\n'])
    expect(scripts.at(-1)?.script.render()).toMatch(/"command":"lock acquire","message":"moving"/)
  })
  test('acquire takes it on all or none', async () => {
    const { code, err, log } = await jiji('lock acquire', {
      answers: { 'web2 take lock': { ...held, code: exits.lockHeld } },
    })
    expect([code, err]).toEqual([
      5,
      expect.stringContaining('web2: the lock is held by ann from ci since noon (deploy)'),
    ])
    expect(log.filter(one => one.includes('lock'))).toEqual(['web1 take lock', 'web2 take lock', 'web1 release lock'])
  })
  test.each<[Answer, string, object]>([
    [{}, 'nobody   -    -    -', { owner: null }],
    [held, 'ann from ci  -    deploy  none: stays until jiji lock release', { owner }],
    [{ stdout: 'lock {}\n' }, 'somebody  -    -    none: stays until jiji lock release', { owner: {} }],
    [{ stdout: 'lock {"by":\n' }, 'somebody  -    -    none: stays until jiji lock release', { owner: {} }],
    [
      { stdout: `${held.stdout}holder live 2\n` },
      'ann from ci  -    deploy  live, last 2s ago',
      { owner, holder: { state: 'live', silentFor: 2 } },
    ],
    [
      { stdout: `${held.stdout}holder gone \n` },
      'ann from ci  -    deploy  gone: the next deploy takes it over',
      { owner, holder: { state: 'gone' } },
    ],
  ])('status shows %j', async (answer, text, json) => {
    const answers = { 'read lock': answer }
    expect((await jiji('lock status', { answers })).out).toContain(`web1    ${text}\n`)
    expect(JSON.parse((await jiji('lock status -o json -H web2', { answers })).out).locks).toEqual([
      { server: 'web2', holder: null, ...json },
    ])
  })
  test('release says whose it was', async () => {
    const { out } = await jiji('lock release', { answers: { 'web1 release lock': held } })
    expect(out).toBe('web1: released the lock of ann from ci since noon (deploy)\nweb2: there was no lock\n')
  })
  test.each<[string, Answer, string, string]>([
    ['', held, '\n', '  web1: ann from ci since noon (deploy)'],
    [
      '',
      { stdout: `${held.stdout}holder live 2\n` },
      '\n',
      'web1: ann from ci since noon (deploy): live, last 2s ago\n',
    ],
    ['--yes', held, '', ''],
    ['', {}, '', ''],
  ])('release %s of what says %j is asked for on a terminal', async (option, answer, typed, asked) => {
    const answers = { 'web1 read lock': answer }
    const { code, err, log } = await jiji(`lock release ${option}`, { answers, isTty: true, typed })
    expect([code, asked === '' ? err.includes('Go ahead') : err.includes(asked)]).toEqual(
      asked === '' ? [0, false] : [130, true],
    )
    expect(log.filter(one => one.includes('release lock')).length).toBe(asked === '' ? 2 : 0)
  })
  test.each(['acquire', 'release', 'status'])('%s does not claim what failed', async verb => {
    const failing = { code: 1, stderr: 'rm: permission denied\n' }
    const { code, err } = await jiji(`lock ${verb}`, {
      answers: { 'web2 take lock': failing, 'web2 release lock': failing, 'web2 read lock': failing },
    })
    expect([code, err]).toEqual([1, expect.stringContaining('web2: the lock cannot be used: rm: permission denied')])
  })
})

describe('jiji registry import', () => {
  const textOf = (directory: string, path: string) =>
    existsSync(join(directory, path)) ? readFileSync(join(directory, path), 'utf8') : undefined
  test.each([
    ['', '.jiji/deploy.yml', '.env'],
    ['-e staging', '.jiji/deploy.staging.yml', '.env.staging'],
  ])('%s declares them in %s, with their secrets in %s', async (words, config, env) => {
    const { code, directory } = await jiji(`registry import logins.json ${words}`)
    expect(code).toBe(0)
    for (const path of ['.jiji/deploy.yml', '.jiji/deploy.staging.yml'])
      expect(textOf(directory, path)?.includes('ghcr.io'), path).toBe(path === config)
    for (const path of ['.env', '.env.staging'])
      expect(textOf(directory, path)?.includes('=pw') ?? false, path).toBe(path === env)
    const { registries } = loadConfig({ directory, environment: 'staging' })
    expect(registries.map(({ key }) => key)).toEqual(['other.invalid', 'ghcr.io'])
  })
  test('--dry-run says what it would do, and does nothing', async () => {
    const { code, out, directory } = await jiji('registry import logins.json --dry-run')
    expect([code, out]).toEqual([0, expect.stringMatching(/^ghcr\.io +ghcr-io +GHCR_IO_PASSWORD +would be declared$/m)])
    expect([textOf(directory, '.jiji/deploy.yml'), textOf(directory, '.env')]).toEqual([yaml, files['.env']])
  })
})

describe('jiji registry', () => {
  // Other engines than the builder's: else a server that is this machine has its logins already.
  const servers = 'servers: {web1: {host: local, engine: podman}, web2: {host: local, engine: podman}}'
  const podman = { ...files, '.jiji/deploy.yml': yaml.replace(/servers:.*/, servers) }

  test('login is a row for each registry and place', async () => {
    const { code, out } = await jiji('registry login', {
      files: podman,
      answers: { 'web2 log in': { code: exits.engineMissing } },
    })
    expect(code).toBe(7)
    expect(
      out
        .split('\n')
        .slice(1, -1)
        .map(line => line.replace(/ +/g, ' ')),
    ).toEqual([
      'registry.invalid here done',
      'other.invalid here done',
      'registry.invalid web1 done',
      'other.invalid web1 done',
      'registry.invalid web2 failed: podman is not installed',
      'other.invalid web2 failed: podman is not installed',
    ])
  })
  test.each<[string, string[], string[]]>([
    ['--skip-local', ['web1', 'web2'], ['here']],
    ['--skip-remote', ['here'], ['web1', 'web2']],
    ['-H web1', ['here', 'web1'], []],
  ])('login %s', async (words, places, skipped) => {
    const { out, log } = await jiji(`registry login ${words} -o json`, { files: podman })
    const rows = JSON.parse(out).rows as { place: string; state: string }[]
    const asked = log.filter(one => one.endsWith('log in')).map(one => one.split(' ')[0])
    expect([...new Set(asked)]).toEqual(places)
    expect([...new Set(rows.filter(({ state }) => state === 'skipped').map(({ place }) => place))]).toEqual(skipped)
    expect(out).not.toMatch(/hunter2|second!/)
  })
  test('login to the registry of this machine is a success', async () => {
    expect(await jiji('registry login', { files: localFiles })).toMatchObject({
      code: 0,
      out: expect.stringContaining('it needs no login'),
    })
  })
  const holding = () => {
    const images = localImages()
    localRegistry.images = images
    const size = '{}'.length
    images.put('app-web', images.image({ base: 1_000_000 - size, one: 250_000 }, {}), 'v1', 'v2')
    images.put('other-web', images.image({ base: 1_000_000 - size }, {}), 'v1')
    return images
  }
  test('list shows what the registry of this machine holds', async () => {
    holding()
    const { out } = await jiji('registry list', { files: localFiles })
    expect(out).toContain(`
REPOSITORY  VERSIONS  SIZE    NEWEST
app-web     2         1.3 MB  -
other-web   1         1 MB    -
the local registry holds 1.3 MB; what images share is counted once
`)
    const json = JSON.parse((await jiji('registry list -o json', { files: localFiles })).out)
    expect(json.images[0]).toEqual({
      repository: 'app-web',
      tags: ['v1', 'v2'].map(tag => ({
        tag,
        digest: expect.stringMatching(/^sha256:/),
        size: 1_250_000,
        created: null,
      })),
    })
    expect(JSON.parse((await jiji('registry list -L -o json', { files: localFiles })).out).images).toEqual([])
    localRegistry.images.listener = (request, response) => response.writeHead(request.url === '/v2/' ? 200 : 500).end()
    const { code, err } = await jiji('registry list', { files: localFiles })
    expect([code, err]).toEqual([0, expect.stringContaining('warning: the local registry does not say what it holds')])
    localRegistry.images = localImages()
  })
  const prunable = () => {
    const images = localImages()
    localRegistry.images = images
    for (const [repository, project] of Object.entries({
      'app-web': 'app',
      'app-gone': 'app-staging',
      'her-web': 'her',
    }))
      for (const day of [1, 2]) {
        const config = { created: `2020-01-0${day}T00:00:00Z`, config: { Labels: { 'jiji.project': project } } }
        images.put(repository, images.image({ base: 1e6, [`${repository}${day}`]: 5000 }, config), `v${day}`)
      }
    return images
  }
  const keepOne = { ...files, '.jiji/deploy.yml': `${localFiles['.jiji/deploy.yml']}deploy: {retain: 1}\n` }
  test.each<[string, string[]]>([
    ['', ['app-gone:v1', 'app-web:v1']],
    ['--project her', ['her-web:v1']],
    ['--all', ['app-gone:v1', 'app-web:v1', 'her-web:v1']],
    ['--older-than 1w', ['app-gone:v1', 'app-gone:v2', 'app-web:v1', 'app-web:v2']],
    ['--all --older-than 99999d', []],
  ])('prune %s', async (words, expected) => {
    const images = prunable()
    const removedBy = async (more: string) => {
      const { code, out, log } = await jiji(`registry prune ${words} -o json ${more}`, { files: keepOne })
      const { removed, freed } = JSON.parse(out)
      const names = removed.map(
        ({ repository, tags }: { repository: string; tags: string[] }) => `${repository}:${tags}`,
      )
      return { code, names, freed, isCleaned: log.includes('here collect garbage') }
    }
    expect(await removedBy('--dry-run')).toEqual({ code: 0, names: expected, freed: null, isCleaned: false })
    expect(images.deleted).toEqual([])
    const isCleaned = expected.length > 0
    expect(await removedBy('--yes')).toEqual({ code: 0, names: expected, freed: isCleaned ? 1024e3 : null, isCleaned })
    expect(images.deleted).toHaveLength(expected.length)
  })
  test('prune says what it did', async () => {
    prunable()
    const pruned = (words: string, setting: Setting = {}) =>
      jiji(`registry prune ${words}`, { files: keepOne, ...setting })
    expect((await pruned('--dry-run')).out).toMatch(
      /^REPOSITORY +VERSION +SIZE +AGE\napp-gone +v1 +1 MB +\d+d.*\napp-web +v1 .*\n2 images would be removed, 10 kB\n$/,
    )
    expect((await pruned('--yes')).out).toMatch(/\nremoved 2 images; 1 MB of the disk came back\n$/)
    expect((await pruned('--project nobody --yes')).out).toBe('nothing is to be removed\n')
    const asked = await pruned('', { isTty: true, typed: 'n\n' })
    expect([asked.code, asked.err]).toEqual([
      130,
      expect.stringMatching(/app-gone v1\n {2}app-web v1\n.*2 images would be/),
    ])
  })
  test.each<[string, number, string]>([
    ['', 2, '2 images would be removed from the local registry, 10 kB\n  add --yes'],
    ['--all --project app', 2, '--all and --project together make no sense'],
    ['--older-than soon', 2, '--older-than takes an age such as 30d, 2w or 12h, not soon'],
  ])('prune %s is refused', async (words, status, message) => {
    const images = prunable()
    const { code, err } = await jiji(`registry prune ${words}`, { files: keepOne })
    expect([code, err, images.deleted]).toEqual([status, expect.stringContaining(`error: ${message}`), []])
  })
  test.each<[string, string]>([
    ['', 'web1: 127.0.0.1:9270\nweb2: 127.0.0.1:9270\n'],
    ['-H web2 -o json', '{"schemaVersion":1,"server":"web2","state":"open","address":"127.0.0.1:9270"}\n'],
  ])('tunnel %s needs none to this machine itself', async (words, text) => {
    const { code, out } = await jiji(`registry tunnel ${words}`, { files: localFiles })
    expect([code, out]).toEqual([0, text])
  })
  test('tunnel to a remote registry is refused', async () => {
    const { code, err } = await jiji('registry tunnel')
    expect([code, err]).toEqual([2, expect.stringContaining('only a local registry needs tunnels')])
  })
  test('prune of a remote registry is refused', async () => {
    const { code, err } = await jiji('registry prune --yes')
    expect([code, err]).toEqual([2, expect.stringContaining('builder.registry is registry.invalid')])
  })
  test('remove leaves this machine alone when it is told to', async () => {
    const local = { ...files, '.jiji/deploy.yml': yaml.replace(/builder:.*\n/, '') }
    const { code, out, log } = await jiji('registry remove --skip-local', { files: local })
    expect([code, out, log]).toEqual([0, expect.stringMatching(/localhost:9270 +here +skipped/), []])
  })
})

describe('jiji init', () => {
  const there = (directory: string) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
      .sort()
  const own = ['.gitignore', '.jiji/deploy.yml', '.jiji/schema.json']

  test.each([
    ['shop', 'shop'],
    ['My App_2', 'my-app_2'],
    ['...', 'myapp'],
    [`${'a'.repeat(39)}-${'b'.repeat(9)}`, 'a'.repeat(39)],
  ])('in the folder %j names the project %s, and what it writes is valid', async (name, project) => {
    const directory = join(folderWith({ [`${name}/Dockerfile`]: '' }), name)
    expect((await jiji('init', { directory })).code).toBe(0)
    expect(loadConfig({ directory }).project).toBe(project)
    expect(there(directory)).toEqual([...own, 'Dockerfile'])
    expect((await jiji('validate', { directory })).code).toBe(0)
  })
  test('takes what it finds, and what it is told', async () => {
    const files = {
      Dockerfile: 'EXPOSE 8080',
      Procfile: 'web: a\nworker: b\n',
      'package.json': '{"name":"@acme/shop"}',
    }
    const remote = { stdout: 'remote git@github.com:Acme/Web-Shop.git\nbranch trunk\n' }
    const line = 'init --server deploy@a.acme.org:222 --server b --domain shop.acme.org --github'
    const { code, directory, out, err } = await jiji(line, {
      files,
      answers: { unset: remote },
    })
    expect([code, out]).toEqual([0, expect.stringContaining('wrote .github/workflows/deploy.yml')])
    expect(err).toContain('next: cp .env.example .env')
    const config = loadConfig({ directory })
    expect(config.servers.map(({ host, user, port }) => [host, user, port])).toEqual([
      ['a.acme.org', 'deploy', 222],
      ['b', undefined, undefined],
    ])
    expect(config.services.map(({ name }) => name)).toEqual(['web', 'worker'])
  })
  test('says plainly that a Dockerfile is needed', async () => {
    const { code, err, directory } = await jiji('init', { files: {} })
    expect([code, err]).toEqual([0, expect.stringContaining('there is no')])
    expect(err).toContain('Dockerfile: an image is built with one')
    expect(there(directory)).toEqual(own)
  })
  test('asks on a terminal, and asks again what cannot be an answer', async () => {
    const typed = 'bad host/\nroot@web9.acme.org\nno domain\nshop.acme.org\nghcr.io\n'
    const { code, err, directory } = await jiji('init', { files: { Dockerfile: '' }, isTty: true, typed })
    expect(code).toBe(0)
    expect(err).toContain('is no address of a server')
    expect(err).toContain('is no domain')
    const { servers, services, builder } = loadConfig({ directory })
    expect(servers[0]).toMatchObject({ host: 'web9.acme.org', user: 'root' })
    expect(services[0]?.proxy?.targets[0]).toMatchObject({ hosts: ['shop.acme.org'], ssl: true })
    expect(builder.registry).toMatchObject({ key: 'ghcr.io' })
    expect(readFileSync(join(directory, '.env.example'), 'utf8')).toContain('GITHUB_TOKEN=\n')
  })
  test('offers to translate what is there, on a terminal alone', async () => {
    const files = { Dockerfile: '', 'compose.yml': 'services: {a: {build: ., zzz: 1}}' }
    const asked = await jiji('init', { files, isTty: true, typed: '\n\n\n\n' })
    expect([asked.code, asked.out]).toEqual([0, expect.stringContaining('compose.yml:1: services.a.zzz: left out')])
    const piped = await jiji('init', { files })
    expect([piped.code, piped.err]).toEqual([0, expect.stringContaining('jiji init --from compose.yml')])
    expect(loadConfig({ directory: piped.directory }).services.map(({ name }) => name)).toEqual(['web'])
  })
  test('translates, says what is left, and mentions no value of a secret', async () => {
    const files = {
      Dockerfile: '',
      'config/deploy.yml':
        'service: a\nimage: a\nservers: [10.0.0.1]\nzzz: 1\nenv: {secret: [TOKEN]}\nproxy: {host: a.acme.org, ssl: true}\n',
      '.kamal/secrets': 'TOKEN=hunter2\n',
      '.kamal/hooks/pre-deploy': '',
    }
    const { code, out, err, directory } = await jiji('init --from config/deploy.yml', { files })
    expect(code).toBe(0)
    expect(out).toContain('config/deploy.yml:4: zzz: left out: jiji has no such key')
    expect(out).toContain('.kamal/secrets: TOKEN: put their values into .env')
    expect(out).toContain('.kamal/hooks/pre-deploy: copy it to .jiji/hooks')
    expect(out + err + readFileSync(join(directory, '.env.example'), 'utf8')).not.toContain('hunter2')
    expect((await jiji('validate', { directory })).code).toBe(0)
  })
  test('translates nothing, with the reasons, where nothing is left', async () => {
    const { code, out, err, directory } = await jiji('init --from c.yml', {
      files: { 'c.yml': 'services: {a: {links: [b]}}' },
    })
    expect([code, out, err]).toEqual([
      2,
      expect.stringContaining('c.yml:1: services.a: left out: it has no image'),
      expect.stringContaining('nothing is left to be deployed'),
    ])
    expect(there(directory)).toEqual(['c.yml'])
  })
  test.each([
    ['init --from gone.yml', 'there is no'],
    ['init --from Dockerfile', 'is neither a Compose file'],
    ['init --from k.yml --server a', '--server is not for k.yml'],
    ['init --from k.yml --domain a.b', '--domain is not for k.yml'],
    ['init --from k.yml --port 80', '--from and --port exclude each other'],
    ['init --full --domain a.b', '--full and --domain exclude each other'],
    ['init --server a/b', 'is no address of a server'],
    ['init --domain http://a', 'is no domain'],
    ['init --port 0', 'is no port'],
    ['init --name 🎉', 'can be no name of a project'],
    ['init --registry a@b', 'user information'],
  ])('%s is refused, and nothing written', async (line, message) => {
    const files = { Dockerfile: 'a: b', 'k.yml': 'service: a\nimage: b\nservers: [a]' }
    const { code, err, directory } = await jiji(line, { files })
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
    expect(there(directory)).toEqual(['Dockerfile', 'k.yml'])
  })
  test('--full writes every key and a sample of every hook, which runs when it is called by its name', async () => {
    const directory = folderWith({})
    await jiji('init --full --name shop', { directory })
    expect(readFileSync(join(directory, '.jiji/deploy.yml'), 'utf8')).toMatch(
      /^# yaml-language-server[\s\S]*\nproject: shop\n/,
    )
    const hooks = join(directory, '.jiji/hooks')
    expect(findHooks(directory)).toEqual({ hooks: new Set(), warnings: [] })
    for (const name of readdirSync(hooks)) renameSync(join(hooks, name), join(hooks, name.replace('.sample', '')))
    expect(findHooks(directory).hooks.size).toBe(5)
    expect(findHooks(directory).warnings).toEqual([])
  })
  test('overwrites nothing', async () => {
    const { code, err, directory } = await jiji('init')
    expect([code, err]).toEqual([2, expect.stringContaining('is there already')])
    expect(readFileSync(join(directory, '.jiji/deploy.yml'), 'utf8')).toBe(yaml)
  })
  test('finds all that is in the way before it writes', async () => {
    const files = { Dockerfile: '', '.jiji/schema.json': '{}', '.github/workflows/deploy.yml': 'mine' }
    const { code, err, directory } = await jiji('init --github', { files })
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('.jiji/schema.json, .github/workflows/deploy.yml are there already'),
    ])
    expect(there(directory)).toEqual(Object.keys(files).sort())
  })
  test('leaves .env.example as it is, and says what it lacks; .gitignore is added to', async () => {
    const files = { Dockerfile: '', '.env.example': 'A=\n', '.gitignore': 'dist' }
    const { code, err, directory } = await jiji('init --registry ghcr.io/me', { files })
    expect([code, err]).toEqual([0, expect.stringContaining('lacks GITHUB_TOKEN')])
    expect(readFileSync(join(directory, '.env.example'), 'utf8')).toBe('A=\n')
    expect(readFileSync(join(directory, '.gitignore'), 'utf8')).toBe('dist\n.env\n.env.*\n!.env.example\n')
  })
  test('--github alone adds a workflow to a project, and nothing else', async () => {
    const { code, directory } = await jiji('init --github')
    expect([code, there(directory)]).toEqual([0, [...Object.keys(files), '.github/workflows/deploy.yml'].sort()])
    const text = readFileSync(join(directory, '.github/workflows/deploy.yml'), 'utf8')
    expect(text).toContain('DEPLOY_KEY: ${{ secrets.DEPLOY_KEY }}')
    expect((await jiji('init --github --name x', { directory })).code).toBe(2)
  })
  test('--github -e writes the workflow of an environment, whose files must be there', async () => {
    const { code, directory } = await jiji('init --github -e staging')
    const path = '.github/workflows/deploy.staging.yml'
    expect([code, there(directory)]).toEqual([0, [...Object.keys(files), path].sort()])
    const text = readFileSync(join(directory, path), 'utf8')
    expect(text).toContain('- run: exec jiji deploy -e staging\n')
    expect(text).toMatch(/^ {2}group: deploy-staging\n[\s\S]*^ {4}environment: "staging"$/m)
    expect((await jiji('init --github -e nope')).code).toBe(2)
    expect((await jiji('init --from k.yml -e staging', { directory: folderWith({}) })).code).toBe(2)
  })
  test('--dry-run shows what it would write, and writes nothing', async () => {
    const { code, out, err, directory } = await jiji('init --dry-run --server deploy@b --github', {
      files: { Dockerfile: '' },
    })
    expect([code, there(directory), err]).toEqual([0, ['Dockerfile'], expect.not.stringContaining('next:')])
    expect(out).toMatch(/^would write \.jiji\/deploy\.yml [\s\S]*^ {4}user: deploy|host: b/m)
    expect(out).toContain('would write .github/workflows/deploy.yml')
  })
  test('adds nothing to what is no text', async () => {
    const directory = folderWith({ Dockerfile: '', '.gitignore': Uint8Array.from([0xff, 0xfe, 0x00]) })
    expect((await jiji('init', { directory })).code).toBe(2)
    expect(there(directory)).toEqual(['.gitignore', 'Dockerfile'])
  })
  test('says that a domain leads nowhere', async () => {
    const { err } = await jiji('init --domain a.acme.org', { files: { Dockerfile: '', Procfile: 'worker: a' } })
    expect(err).toContain('nothing leads to a.acme.org')
  })
  test('does not write a second file beside another ending', async () => {
    const { code, directory } = await jiji('init', { files: { '.jiji/deploy.yaml': yaml } })
    expect([code, existsSync(join(directory, '.jiji/deploy.yml'))]).toEqual([2, false])
  })
})

describe('the log of a run', () => {
  const logsIn = (folder: string) =>
    existsSync(join(folder, 'jiji-logs/app'))
      ? readdirSync(join(folder, 'jiji-logs/app')).map(name => ({
          name,
          text: readFileSync(join(folder, 'jiji-logs/app', name), 'utf8'),
        }))
      : []
  const minted = { ...files, '.jiji/deploy.yml': yaml.replace('password: OTHER', 'password: $(mint it)') }

  test.each(catalogue.filter(({ isChange }) => isChange).map(({ name }) => [name]))('is kept of %s', async name => {
    const state = folderWith({})
    const { code } = await jiji(walks[name] ?? '', { ...settings[name], environment: { XDG_STATE_HOME: state } })
    const [log, ...others] = logsIn(state)
    expect([code, others, log?.name]).toEqual([0, [], expect.stringContaining(`Z-${name.replace(' ', '-')}-`)])
    expect(log?.text).toMatch(/^\S+Z jiji 0\.0\.0: .*\n[\s\S]*\S+Z done\n$/)
  })
  test.each(['status', 'deploy --dry-run', 'rollback --list', 'exec web ls', 'registry list', 'logs'])(
    'is not kept of %s',
    async line => {
      const state = folderWith({})
      await jiji(line, { environment: { XDG_STATE_HOME: state } })
      expect(logsIn(state)).toEqual([])
    },
  )
  test('has each script and what it wrote, and no secret, also not one that a command gives', async () => {
    const state = folderWith({})
    const { code, err } = await jiji('deploy', {
      files: minted,
      environment: { XDG_STATE_HOME: state },
      answers: {
        "exec sh -c 'mint it'": { stdout: 'freshly-minted\n' },
        pull: { stdout: 'with hunter2 and freshly-minted\n', stderr: 'no\n', code: 1 },
      },
    })
    const [log] = logsIn(state)
    expect([code, err.trimEnd().split('\n').at(-1)]).toEqual([
      1,
      `the log of this run: ${join(state, 'jiji-logs/app', log?.name ?? '')}`,
    ])
    expect(log?.text).toMatch(/ web1 #\d+ runs:\nsh <<'EOF'\n[\s\S]* web1 #\d+ \| with \[TOKEN\] and \[[^\]]+\]\n/)
    expect(log?.text).toMatch(/ here #1 \| what it writes is not kept here\n/)
    expect(log?.text).toMatch(/error: .*could not be pulled/)
    expect(log?.text).not.toMatch(/hunter2|second!|freshly-minted/)
  })
  test('that cannot be kept breaks nothing, and a failure says why', async () => {
    const environment = { XDG_STATE_HOME: '/proc/nowhere' }
    expect(await jiji('deploy', { environment })).toMatchObject({ code: 0, err: expect.not.stringContaining('log') })
    const { code, err } = await jiji('deploy', { environment, answers: { start: unhealthy } })
    expect([code, err]).toEqual([6, expect.stringMatching(/\nno log of this run was kept: ENOENT: .*\n$/)])
  })
})

describe('output that nobody reads', () => {
  const closing = async (line: string) => {
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    const write = (_: Buffer, __: string, done: (error: Error) => void) => done(error)
    return jiji(line, { stdout: Object.assign(new PassThrough({ write, autoDestroy: false }), { isTTY: false }) })
  }
  test('keeps nothing from its end that changes servers', async () => {
    for (const line of ['deploy', 'deploy -o json', 'rollback -o json', 'registry login']) {
      const { code, err } = await closing(line)
      expect([line, code, err]).toEqual([line, 0, expect.not.stringContaining('cleaning up')])
    }
  })
})
