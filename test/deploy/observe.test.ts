import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/config/config.ts'
import { observeServer, parseObservation } from '../../src/deploy/observe.ts'
import { recorder } from '../../src/runner/recorder.ts'
import { exits } from '../../src/shell/engine.ts'
import { observe } from '../../src/shell/observe.ts'
import { write } from '../config/folder.ts'
import { benchWith } from '../shell/shells.ts'
import { containerLine } from './world.ts'

const release = (id: string) => ({
  schemaVersion: 1,
  id,
  version: '1',
  at: 'then',
  by: 'me',
  services: { web: { image: 'app:1', digest: 'sha256:0', container: `app-web-${id}` } },
})

/** What an engine answers that runs the proxy and one container. */
const answers = `version*) echo '{"version":"27.1","arch":"amd64"}' ;;
*' jiji-proxy') echo 'true caddy:2 80 443' ;;
'ps '*) echo c1 ;;
'inspect --format container '*) echo 'container ${containerLine({ name: '/app-web-r2', service: 'web', release: 'r2', slot: 'b' })}' ;;
'exec '*) echo 'site {"project":"app","hosts":["a.example.com"],"services":["web"],"certificates":{},"hash":"h"}'; echo 'live app/web.b' ;;`

describe.each<Engine>(['docker', 'podman'])('what a server with %s says', engine => {
  test('is read as it was meant', async () => {
    const bench = benchWith(answers)
    write(bench.folder, {
      'state/app/releases/r1.json': `${JSON.stringify(release('r1'))}\n`,
      'state/app/releases/r2.json': `${JSON.stringify(release('r2'))}\n`,
      'state/app/current': 'r2\n',
      'state/app/lock/owner': `${JSON.stringify({ by: 'me', host: 'laptop', since: 'now', command: 'deploy' })}\n`,
    })
    const { code, stdout } = await bench.run(observe(engine, 'app'))
    expect(code).toBe(0)
    expect(parseObservation('web1', stdout)).toMatchObject({
      server: 'web1',
      engine: { version: '27.1', arch: 'amd64' },
      proxy: 'caddy:2 80 443',
      sites: [{ project: 'app', hosts: ['a.example.com'], services: ['web'], certificates: {}, hash: 'h' }],
      markers: new Set(['app/web.b']),
      containers: [{ name: 'app-web-r2', project: 'app', service: 'web', release: 'r2', slot: 'b', isRunning: true }],
      releases: [{ id: 'r2' }, { id: 'r1' }],
      current: 'r2',
      lock: { by: 'me', host: 'laptop' },
    })
  })

  test('tells what can be made again, and asks only for images whose container is gone', async () => {
    const bench = benchWith(`'image inspect sha256:lost'*) exit 1 ;;\n${answers}`)
    const names = { 'app-web-r2': 'sha256:2', 'app-web-r': 'sha256:r', 'app-web-r1': 'sha256:lost' }
    for (const [name, image] of Object.entries(names))
      write(bench.folder, {
        [`state/app/files/${name}/exports`]: '',
        [`state/app/files/${name}/image`]: `${image}\n`,
      })
    write(bench.folder, { 'state/app/files/run-1/0': '', 'state/app/files/app-web-r3/exports': '' })
    const { stdout } = await bench.run(observe(engine, 'app'))
    const { kept } = parseObservation('web1', stdout)
    expect(Object.fromEntries(kept)).toEqual({ ...names, 'app-web-r1': '', 'app-web-r3': '' })
    expect(bench.calls().filter(([, verb]) => verb === 'image')).toHaveLength(2)
  })

  test('is little where nothing was ever deployed', async () => {
    const bench = benchWith(`version*) echo '{"version":"27.1","arch":"amd64"}' ;;`)
    const { code, stdout } = await bench.run(observe(engine, 'app'))
    expect([code, stdout]).toEqual([0, 'engine {"version":"27.1","arch":"amd64"}\n'])
    expect(parseObservation('web1', stdout)).toMatchObject({ proxy: undefined, containers: [], current: undefined })
  })

  test('loses only the file that a full disk has spoilt', async () => {
    const bench = benchWith(answers)
    write(bench.folder, {
      'state/app/releases/r1.json': '',
      'state/app/releases/r2.json': JSON.stringify(release('r2')),
      'state/app/releases/r3.json': '{"schemaVersion":1,"id":"r3',
      'state/app/releases/r4.json': `${JSON.stringify(release('r4'))}\n`,
      'state/app/current': 'r4',
      'state/app/lock/owner': '',
    })
    const { releases, current, lock, markers } = parseObservation(
      'web1',
      (await bench.run(observe(engine, 'app'))).stdout,
    )
    expect(releases.map(({ id }) => id)).toEqual(['r4', 'r2'])
    expect([current, lock, markers.size]).toEqual(['r4', undefined, 1])
  })
})

describe('a proxy', () => {
  const script = observe('docker', 'app')
  test('that has stopped is started, because only it knows the slots', async () => {
    const bench = benchWith(answers.replace("'true caddy", "'false caddy"))
    const { stdout } = await bench.run(script)
    expect(stdout).toContain('proxy caddy:2 80 443\n')
    expect(stdout).toContain('live app/web.b\n')
    expect(bench.calls().map(call => call.slice(1, 3).join(' '))).toContain('start jiji-proxy')
  })
  test('that cannot be started is not asked', async () => {
    const bench = benchWith(`start*) exit 1 ;;\n${answers.replace("'true caddy", "'false caddy")}`)
    const { stdout, code } = await bench.run(script)
    expect([code, stdout.includes('live ')]).toEqual([0, false])
  })
})

describe('containers', () => {
  test('are asked for again when one goes in between', async () => {
    const bench = benchWith(`'inspect --format container '*)
  [ -f "$BENCH/once" ] || { : >"$BENCH/once"; echo 'no such container' >&2; exit 1; }
  echo 'container ${containerLine({ name: 'x', service: 'web' })}' ;;
${answers}`)
    const { stdout, code } = await bench.run(observe('docker', 'app'))
    expect(code).toBe(0)
    expect(parseObservation('web1', stdout).containers.map(({ name }) => name)).toEqual(['x'])
  })
  test('that an engine does not tell are its failure', async () => {
    const bench = benchWith(`'ps '*) exit 1 ;;\n${answers}`)
    expect((await bench.run(observe('docker', 'app'))).code).toBe(exits.engineSilent)
  })
})

describe('lines', () => {
  test.each<[string, string, object]>([
    ['an empty text', '', { engine: { version: '', arch: '' }, proxy: undefined, containers: [], releases: [] }],
    ['words that nobody knows', 'hello\nworld {"a":1}\n\n', { containers: [], releases: [] }],
    [
      'a container without our labels',
      'container {"id":"1","name":"x","labels":null,"state":"exited","running":false,"exitCode":0,"restarts":0}',
      { containers: [{ name: 'x', project: '', service: '', slot: 'a', hosts: [] }] },
    ],
    ['a site that somebody else wrote', 'site example.com {', { sites: [] }],
    ['a site of another form', 'site 5\nsite {"project":"x"}\nsite null', { sites: [] }],
    [
      'a site of an older jiji',
      'site {"project":"x","hosts":["a"]}',
      { sites: [{ project: 'x', hosts: ['a'], services: [], certificates: {} }] },
    ],
    ['a release of another form', 'release null\nrelease 5\nrelease {"id":"x"}', { releases: [] }],
    ['a lock of another form', 'lock null', { lock: undefined }],
    ['an empty current', 'current \n', { current: undefined }],
  ])('%s', (_, text, observation) => expect(parseObservation('web1', text)).toMatchObject(observation))

  test('the slot of a container is what the current release says', () => {
    const [one, two] = [release('r1'), release('r2')]
    const in_ = (slot: string) => ({ services: { web: { ...one.services.web, slot } } })
    for (const [current, slot] of [
      ['r1', 'a'],
      ['r2', 'b'],
    ])
      expect(
        parseObservation(
          'web1',
          [
            `container ${containerLine({ service: 'web', name: 'app-web-r1' })}`,
            `release ${JSON.stringify({ ...one, ...in_('a') })}`,
            `release ${JSON.stringify({ ...two, ...in_('b') })}`,
            `current ${current}`,
          ].join('\n'),
        ).containers[0]?.slot,
      ).toBe(slot)
  })

  test('releases come newest first', () => {
    const text = ['20260102-000000', '20260103-000000', '20260101-000000']
      .map(id => `release ${JSON.stringify(release(id))}`)
      .join('\n')
    expect(parseObservation('web1', text).releases.map(({ id }) => id.slice(7, 8))).toEqual(['3', '2', '1'])
  })
})

describe('a server whose engine', () => {
  test.each([
    [
      'elsewhere podman 2',
      'web1: podman has 2 containers of this project, and docker is configured',
      'then deploy with docker',
    ],
    [
      'elsewhere podman 1',
      'web1: podman has a container of this project, and docker is configured',
      'then deploy with docker',
    ],
    [
      'elsewhere podman',
      'web1: podman ran this project and does not answer, and docker is configured',
      'if it is gone for good, remove its command too',
    ],
  ])('is another than before, which says %s', async (stdout, message, advice) => {
    const runner = recorder('web1', () => ({ code: exits.otherEngine, stdout: `engine {}\n${stdout}\n` }))
    const hint = expect.stringMatching(
      `with engine: podman configured again, jiji server teardown -H web1 takes.*${advice}`,
    )
    await expect(observeServer(runner, 'docker', 'app')).rejects.toMatchObject({
      code: 'engine.changed',
      message,
      hint,
      server: 'web1',
    })
  })

  test.each<[number, string, string]>([
    [exits.engineMissing, 'engine.missing', 'web1: docker is not installed'],
    [exits.engineDenied, 'engine.denied', 'web1: this user may not use docker'],
    [exits.engineSilent, 'engine.failed', 'web1: docker does not answer: is it on?'],
    [1, 'engine.failed', 'web1 could not be asked: is it on?'],
  ])('ends with %i: %s', async (code, kind, message) => {
    const runner = recorder('web1', () => ({ code, stderr: 'noise\nis it on?\n' }))
    await expect(observeServer(runner, 'docker', 'app')).rejects.toMatchObject({ code: kind, message, server: 'web1' })
  })
})
