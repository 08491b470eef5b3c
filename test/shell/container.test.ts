import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Engine, Service } from '../../src/config/config.ts'
import { Secret } from '../../src/config/secret.ts'
import { exits } from '../../src/shell/engine.ts'
import { createOneOff, removeOneOff, runOneOff } from '../../src/shell/one-off.ts'
import { finishRelease, recordCurrent } from '../../src/shell/records.ts'
import { replaceContainer } from '../../src/shell/replace.ts'
import { lines } from '../../src/shell/script.ts'
import { write } from '../config/folder.ts'
import { container, hostile, hostileLines, owner, scope, worker } from './hostile.ts'
import { type Bench, benchWith } from './shells.ts'

const engines: Engine[] = ['docker', 'podman']
const bytes = Buffer.from([0, 255, 10, 39, 36, 96, ...Buffer.from(hostileLines)])
const files = [
  { local: 'app.conf', remote: '/etc/app.conf', content: new Secret('app.conf', bytes.toString('base64')) },
  { local: 'key', remote: '/etc/key', mode: '600', options: 'ro', content: new Secret('key', '') },
]
// Ids are those of the containers, which only root can give.
const service = {
  ...worker,
  files: files.map(({ content: _, ...mount }) => mount),
  directories: container.directories.map(one => ({ ...one, owner: undefined })),
}
const running = `'inspect --format {{.State'*) echo 'true 0 0' ;;`

function replace(engine: Engine, answers: string, over: Partial<Parameters<typeof replaceContainer>[1]> = {}) {
  const bench = benchWith(answers)
  bench.lock(scope, owner)
  const script = replaceContainer(engine, {
    scope,
    owner,
    service,
    candidate: {
      names: ['new'],
      slot: 'b',
      create: { image: 'app:1', release: 'r2', version: '1', digest: '', secrets: [], files },
    },
    live: undefined,
    afterwards: 'stop',
    leftovers: { remove: [], stop: [] },
    timing: { drain_timeout: 1000, stop_timeout: 2000, settle: 0 },
    ...over,
  })
  return { bench, script, state: join(bench.folder, 'state', scope), ran: bench.run(script) }
}

describe('a release', () => {
  const record = { schemaVersion: 1 as const, id: 'r1', version: '1', at: '', by: '', services: {} }
  /** Notes what it is to write back, and what stands under its own name by then. */
  const noting = `cd "$BENCH/state/${scope}" && {
  for file; do printf '%s ' "\${file#"$BENCH/state/${scope}/"}"; done
  echo "while $(ls current releases/r1.json 2>/dev/null | tr '\\n' ' ')"
} >>"$BENCH/synced"`
  const benchWhereSync = (does: string) => {
    const bench = benchWith()
    write(bench.folder, { [`state/${scope}/files/new/environment`]: 'A=b\n', sync: `#!/bin/sh\n${does}\n` })
    chmodSync(join(bench.folder, 'sync'), 0o755)
    return bench
  }

  test('is on the disk before it has its name, and has it before it is relied upon', async () => {
    const bench = benchWhereSync(noting)
    expect((await bench.run(recordCurrent('docker', scope, record))).code).toBe(0)
    expect(readFileSync(join(bench.folder, 'synced'), 'utf8').split('\n')).toEqual([
      'files/new/environment while ',
      'releases/.new while ',
      '.current while releases/r1.json ',
      'current while current releases/r1.json ',
      '',
    ])
  })
  test('is on record also where nothing can be waited for', async () => {
    const bench = benchWhereSync('echo no such option >&2; exit 1')
    expect(await bench.run(recordCurrent('docker', scope, record))).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(bench.folder, `state/${scope}/current`), 'utf8')).toBe('r1\n')
  })
})

describe('what a service asks of its container', () => {
  test.each(engines)('reaches the engine word for word (%s)', async engine => {
    const { bench, ran, state } = replace(engine, running)
    expect(await ran).toMatchObject({ code: 0, stdout: 'started\nhealthy\nstopped\n' })
    const words = bench.calls().find(([, verb]) => verb === 'run') ?? []
    const has = (...some: string[]) =>
      words.some((_, index) => some.every((word, offset) => words[index + offset] === word))
    for (const pair of [
      ['--network', 'jiji'],
      ['--network-alias', 'myapp-staging-worker-b', '--network-alias', 'worker.myapp-staging.jiji'],
      ['--user', hostile],
      ['--label', `com.example.note=${hostileLines}`],
      ['--memory', '512m', '--cpus', '0.5', '--shm-size', '64m', '--ulimit', 'nofile=1024:2048'],
      ['--cap-add', 'NET_ADMIN', '--cap-drop', 'ALL', '--device', `/dev/${hostile}`, '--privileged'],
      ['--tmpfs', `/tmp/${hostile}`, '--add-host', `db:${hostile}`],
      ['--log-driver', 'json-file', '--log-opt', `tag=${hostile}`, '--log-opt', 'max-size=10m'],
      [`--security-opt=${hostile}`, `--security-opt=${hostileLines}`, `--hostname=${hostile}`],
      ['-v', `${state}/directories/worker/data/${hostile}:/data${hostile}:rw`],
      ['-v', `${state}/files/new/0:/etc/app.conf`, '-v', `${state}/files/new/1:/etc/key:ro`],
      ['--entrypoint', './begin', 'app:1', hostile, hostileLines, './work', hostile, '-n', ''],
    ])
      expect(has(...pair), pair.join(' ')).toBe(true)
    expect(bench.calls().at(-1)).toEqual([engine, 'exec', 'new', './check', hostile, hostileLines])
    expect(readdirSync(bench.folder)).not.toContain('pwned')
  })

  test('is on the network of the server without names there', async () => {
    const { bench, ran } = replace('docker', running, { service: { ...service, network_mode: 'host' } })
    expect((await ran).code).toBe(0)
    const words = bench.calls().find(([, verb]) => verb === 'run') ?? []
    expect(words[words.indexOf('--network') + 1]).toBe('host')
    expect(words).not.toContain('--network-alias')
  })

  test('does not take the place of a label of ours', async () => {
    const labels = { 'jiji.project': 'other' }
    const { bench, ran } = replace('docker', running, { service: { ...service, labels } })
    await ran
    expect(bench.calls().flat()).not.toContain('jiji.project=other')
  })
})

describe('files', () => {
  const folderOf = (state: string) => join(state, 'files/new')

  test('arrive to the byte, with their modes, where nobody else gets to them', async () => {
    const { bench, script, ran, state } = replace('docker', running)
    await ran
    expect(readFileSync(join(folderOf(state), '0'))).toEqual(bytes)
    const modes = ['', '0', '1'].map(name => (statSync(join(folderOf(state), name)).mode & 0o777).toString(8))
    expect(modes).toEqual(['700', '644', '600'])
    expect(String(script)).not.toContain(bytes.toString('base64'))
    for (const call of bench.calls()) expect(call.join(' ')).not.toContain(bytes.toString('base64'))
  })
  test('go with a container that is not healthy', async () => {
    const { ran, state } = replace('docker', `'inspect '*) echo 'false 0 1' ;;`)
    expect((await ran).code).toBe(exits.unhealthy)
    expect(existsSync(folderOf(state))).toBe(false)
  })
  test('of containers that are gone are removed with the next release', async () => {
    const bench = benchWith(`'ps -a --format '*) echo old; echo 'other' ;;`)
    const state = join(bench.folder, 'state', scope)
    for (const name of ['old', 'gone', 'ol']) {
      mkdirSync(join(state, 'files', name), { recursive: true })
      writeFileSync(join(state, 'files', name, '0'), '')
    }
    const record = { schemaVersion: 1 as const, id: 'r', version: '1', at: '', by: '', services: {} }
    const old = { retire: [], containers: [], images: [], keep: [], releases: [] }
    const script = lines(recordCurrent('docker', scope, record), finishRelease('docker', scope, old))
    expect((await bench.run(script)).code).toBe(0)
    expect(readdirSync(join(state, 'files'))).toEqual(['old'])
  })
  test('of a release on record stay, also when its containers are gone', async () => {
    const bench = benchWith()
    const state = join(bench.folder, 'state', scope)
    for (const name of ['app-web-r1', 'app-web-r10', 'app-we'])
      mkdirSync(join(state, 'files', name), { recursive: true })
    const services = { web: { image: 'app:1', digest: '', container: 'app-web-r1' } }
    const record = { schemaVersion: 1 as const, id: 'r', version: '1', at: '', by: '', services }
    const old = { retire: [], containers: [], images: [], keep: [], releases: [] }
    await bench.run(lines(recordCurrent('docker', scope, record), finishRelease('docker', scope, old)))
    expect(readdirSync(join(state, 'files'))).toEqual(['app-web-r1'])
    const next = recordCurrent('docker', scope, { ...record, id: 's', services: {} })
    await bench.run(lines(next, finishRelease('docker', scope, { ...old, releases: ['r'] })))
    expect(readdirSync(join(state, 'files'))).toEqual([])
  })
  test('of a container for one command go with it', async () => {
    const bench = benchWith()
    const state = join(bench.folder, 'state', scope)
    const oneOff = { scope, service, secrets: [], files, name: 'new', image: 'app:1', command: ['x'] }
    await bench.run(runOneOff('docker', oneOff))
    expect(bench.calls().flat()).toContain(`${state}/files/new/0:/etc/app.conf`)
    expect(existsSync(folderOf(state))).toBe(false)
    await bench.run(createOneOff('docker', oneOff, 'xterm'))
    expect(existsSync(folderOf(state))).toBe(true)
    await bench.run(removeOneOff('docker', oneOff))
    expect(existsSync(folderOf(state))).toBe(false)
  })
})

test('a container whose work nobody waits for is not waited for: Podman would, for as long as it may take to stop', async () => {
  const bench = benchWith()
  await bench.run(removeOneOff('podman', { scope, name: 'new' }))
  expect(bench.calls()).toEqual([
    ['podman', 'stop', '--ignore', '-t', '2', 'new'],
    ['podman', 'rm', '-f', '--depend', '--ignore', 'new'],
  ])
})

describe('a container that is made again', () => {
  const clear = { PLAIN: hostile, LINES: hostileLines }
  const secrets = [{ name: 'TOKEN', value: new Secret('TOKEN', 'geheim') }]
  const told = `'run '*) for word; do [ "$last" != --env-file ] || cat "$word"; last=$word; done >"$BENCH/told"; printf %s "$LINES" >>"$BENCH/told" ;;
'inspect --type container --format {{.Image}}'*) echo sha256:7 ;;`
  const given = { image: 'app:1', release: 'r1', version: '1', digest: '' }
  const newly = { names: ['new'], slot: 'b' as const, create: { ...given, secrets, files } }
  const again = { names: ['new'], slot: 'b' as const, create: { ...given, id: 'sha256:7', isKept: true as const } }
  const first = () =>
    replace('docker', `${running}\n${told}`, {
      service: { ...service, environment: { clear, secrets: [] } },
      candidate: newly,
    })
  /** By what is on record of it alone. */
  const makeAgain = (bench: Bench, service_: Service = service) => {
    const environment = { clear: {}, secrets: [] }
    const { script } = replace('docker', '', { service: { ...service_, environment }, candidate: again })
    return { script, ran: bench.run(script) }
  }

  test('is told what it was told before, by words that do not tell it', async () => {
    const { bench, ran, state } = first()
    expect((await ran).code).toBe(0)
    const before = readFileSync(join(bench.folder, 'told'), 'utf8')
    expect(before).toBe(`PLAIN=${hostile}\nTOKEN=geheim\n${hostileLines}`)
    const calls = bench.calls()
    const { script, ran: made } = makeAgain(bench)
    expect((await made).code).toBe(0)
    expect(readFileSync(join(bench.folder, 'told'), 'utf8')).toBe(before)
    expect(script.render()).not.toContain('geheim')
    expect(readFileSync(join(state, 'files/new/0'))).toEqual(bytes)

    const runOf = (all: string[][]) => all.filter(([, verb]) => verb === 'run')
    const [words = []] = runOf(calls)
    const [, more] = runOf(bench.calls())
    expect(more).toEqual(words.map(word => (word === 'app:1' ? 'sha256:7' : word)))
    const modes = ['', 'environment', 'exports', 'image'].map(
      name => statSync(join(state, 'files/new', name)).mode & 0o777,
    )
    expect(modes.map(mode => mode.toString(8))).toEqual(['700', '600', '600', '600'])
  })
  test('leaves what it needs where it is not healthy, because a release on record has it', async () => {
    const { bench, ran, state } = first()
    await ran
    mkdirSync(join(state, 'releases'), { recursive: true })
    writeFileSync(join(state, 'releases/r1.json'), '{"services":{"web":{"container":"new"}}}')
    const ill = { ...service, healthcheck: { ...service.healthcheck, command: ['false'] } } as Service
    writeFileSync(join(bench.folder, 'docker'), `#!/bin/sh\ncase "$*" in 'inspect '*) echo 'false 0 1' ;; esac\n`)
    expect((await makeAgain(bench, ill).ran).code).toBe(exits.unhealthy)
    expect(existsSync(join(state, 'files/new/environment'))).toBe(true)
  })
})

describe('a directory', () => {
  const directories = [{ local: 'data', remote: '/data' }]
  const modeOf = (bench: Bench) =>
    (statSync(join(bench.folder, 'state', scope, 'directories/worker/data')).mode & 0o777).toString(8)

  test('can be read by the container when it is new, and keeps the mode that the container gave it', async () => {
    const { bench, script, ran } = replace('podman', running, { service: { ...service, directories } })
    await ran
    expect(modeOf(bench)).toBe('755')
    chmodSync(join(bench.folder, 'state', scope, 'directories/worker/data'), 0o750)
    await bench.run(script)
    expect(modeOf(bench)).toBe('750')
  })
})

describe('a health check by a command', () => {
  test('that fails ends the release, with its status and what it wrote', async () => {
    const { ran } = replace(
      'docker',
      `${running}\n'exec new'*) echo no database; echo at all >&2; exit 3 ;;\n'logs '*) echo one ;;`,
    )
    const { code, stdout } = await ran
    expect(code).toBe(exits.unhealthy)
    expect(stdout).toBe(
      'started\nreason its health check (status 3) did not succeed in 0 s\nlog health check: no database\nlog health check: at all\nlog one\n',
    )
  })
  test('that does not end in its time is told apart', async () => {
    const { ran } = replace('docker', `${running}\n'exec new'*) exec sleep 5 ;;`)
    expect((await ran).stdout).toContain('reason its health check (1 s a run) did not end in 0 s')
  })
  test('is asked again until it succeeds', async () => {
    const healthcheck = { command: ['./check'], interval: 10, timeout: 1000, deploy_timeout: 20_000 }
    const once = `'exec new'*) [ -f "$BENCH/asked" ] || { : >"$BENCH/asked"; exit 1; } ;;`
    const { bench, ran } = replace('docker', `${running}\n${once}`, { service: { ...service, healthcheck } })
    expect((await ran).stdout).toBe('started\nhealthy\nstopped\n')
    expect(bench.calls().filter(([, verb]) => verb === 'exec')).toHaveLength(2)
  })
})

describe('containers that stand there and get another slot', () => {
  const again = (mode: string) =>
    replace('podman', `${running}\n*'HostConfig.NetworkMode'*) echo ${mode} ;;`, {
      candidate: { names: ['old'], slot: 'b', isMoved: true },
    })

  test('keep the name that stays', async () => {
    const { bench, ran } = again('bridge')
    await ran
    expect(bench.calls().filter(([, verb, what]) => verb === 'network' && what !== 'inspect')).toEqual([
      ['podman', 'network', 'disconnect', 'jiji', 'old'],
      [
        ...['podman', 'network', 'connect', '--alias', 'myapp-staging-worker-b'],
        ...['--alias', 'worker.myapp-staging.jiji', 'jiji', 'old'],
      ],
    ])
  })
  test('stay on the network of the server', async () => {
    const { bench, ran } = again('host')
    expect((await ran).code).toBe(0)
    expect(bench.calls().filter(([, verb, what]) => verb === 'network' && what !== 'inspect')).toEqual([])
  })
})
