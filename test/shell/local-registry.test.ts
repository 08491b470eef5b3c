import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/config/config.ts'
import { exits } from '../../src/shell/engine.ts'
import {
  collectGarbage,
  ensureLocalRegistry,
  readRegistryVolume,
  removeLocalRegistry,
} from '../../src/shell/local-registry.ts'
import type { Script } from '../../src/shell/script.ts'
import { benchWith } from './shells.ts'

const engines: Engine[] = ['docker', 'podman']
const ensure = ensureLocalRegistry('docker', { type: 'local', port: 9270, image: 'registry:2' })

/** Runs it where the engine says this of the container; without words there is none. */
async function onBench(script: Script, found: string, more = '') {
  const bench = benchWith(`'inspect '*) ${found ? `echo '${found}'` : 'exit 1'} ;;\n${more}`)
  const { code, stdout } = await bench.run(script)
  const calls = bench.calls().map(([, ...words]) => words.join(' '))
  return { code, stdout, calls, changes: calls.filter(call => !/^(inspect|image|ps|wait)/.test(call)) }
}

describe('the container of the local registry', () => {
  test('is made where there is none', async () => {
    const { stdout, changes } = await onBench(ensure, '')
    expect(stdout).toBe('started\n')
    expect(changes).toEqual([
      expect.stringMatching(
        /^run -d --name jiji-registry-next --restart unless-stopped --label jiji.registry=registry:2 9270 -p 127.0.0.1:9270:5000 -v jiji-registry:/,
      ),
      'rename jiji-registry-next jiji-registry',
    ])
  })
  test('stays where it is as it should be', async () => {
    expect(await onBench(ensure, 'true registry:2 9270')).toMatchObject({ stdout: 'already\n', changes: [] })
  })
  test('is started where it is stopped', async () => {
    const { changes } = await onBench(ensure, 'false registry:2 9270')
    expect(changes).toEqual(['start jiji-registry'])
  })
  test.each(['true registry:2 9271', 'true registry:1 9270'])(
    'gives way where it is %s, on its volume',
    async found => {
      const { stdout, changes } = await onBench(ensure, found)
      expect(stdout).toBe(`was ${found.slice(5)}\nstarted\n`)
      expect(changes).toEqual([
        'stop -t 5 jiji-registry',
        expect.stringMatching(/^run .* -v jiji-registry:/),
        'rm -f jiji-registry',
        'rename jiji-registry-next jiji-registry',
      ])
    },
  )
  test('runs again as it was when the new one does not', async () => {
    const { code, changes } = await onBench(ensure, 'true registry:2 9271', `'run '*) exit 125 ;;`)
    expect(code).toBe(125)
    expect(changes.slice(-2)).toEqual(['rm -f jiji-registry-next', 'start jiji-registry'])
    expect(changes).not.toContain('rm -f jiji-registry')
  })
  test('clears away what a run that was killed has left', async () => {
    const { changes } = await onBench(ensure, '', `'ps '*) echo 0123 ;;`)
    expect(changes[0]).toBe('rm -f 0123')
  })
  test.each(['true -', 'false -'])('of somebody else (%s) is not touched', async found => {
    for (const engine of engines) {
      const config = { type: 'local', port: 9270, image: 'registry:2' } as const
      const scripts = [ensureLocalRegistry(engine, config), removeLocalRegistry(engine)]
      for (const script of [...scripts, readRegistryVolume(engine), collectGarbage(engine)])
        expect(await onBench(script, found)).toMatchObject({ code: exits.notOurs, stdout: '', changes: [] })
    }
  })
  test('is removed, once', async () => {
    const remove = removeLocalRegistry('docker')
    expect(await onBench(remove, 'true registry:2 9270')).toMatchObject({
      stdout: 'done\n',
      changes: ['rm -f jiji-registry'],
    })
    expect(await onBench(remove, '')).toMatchObject({ code: 0, stdout: 'already\n', changes: [] })
  })
})

describe('garbage', () => {
  const found = 'true registry:2 9270'
  const collect = collectGarbage('docker')
  test('is collected while the registry stands still, by a container on the same volume', async () => {
    const { code, stdout, changes } = await onBench(collect, found, `'exec '*) printf '12\\t/\\n' ;;`)
    expect([code, stdout]).toEqual([0, 'used 12\t/\n'])
    expect(changes).toEqual([
      'rm jiji-registry-garbage',
      expect.stringMatching(
        /^create --name jiji-registry-garbage .*-v jiji-registry:\/var\/lib\/registry .* garbage-collect \/etc\/docker\/registry\/config.yml$/,
      ),
      'stop -t 10 jiji-registry',
      'start -a jiji-registry-garbage',
      'rm jiji-registry-garbage',
      'start jiji-registry',
      'exec jiji-registry du -sk /var/lib/registry',
    ])
  })
  test('is collected with the configuration that the registry has', async () => {
    const bench = benchWith(`*'range .Args'*) printf 'serve\\n/etc/other.yaml\\n' ;;
*'{{.Image}}'*) echo sha256:0 ;;
'inspect '*) echo '${found}' ;;`)
    await bench.run(collect)
    expect(
      bench
        .calls()
        .find(([, verb]) => verb === 'create')
        ?.slice(-3),
    ).toEqual(['sha256:0', 'garbage-collect', '/etc/other.yaml'])
  })
  test('that cannot be collected leaves a registry that runs', async () => {
    const { code, changes } = await onBench(collect, found, `'start -a '*) exit 3 ;;`)
    expect(code).toBe(3)
    expect(changes.slice(-2)).toEqual(['rm -f jiji-registry-garbage', 'start jiji-registry'])
  })
  test('is collected by one at a time', async () => {
    const { code, changes } = await onBench(collect, found, `'create '*) exit 1 ;;`)
    expect(code).toBe(1)
    expect(changes.filter(one => /^(stop|start)/.test(one))).toEqual([])
  })
  test('is waited for by who wants the registry to run', async () => {
    const { calls } = await onBench(ensure, 'false registry:2 9270')
    expect(calls.slice(-2)).toEqual(['wait jiji-registry-garbage', 'start jiji-registry'])
  })
  test.each(['', 'false registry:2 9270'])('is not looked for where the registry does not run (%j)', async found => {
    expect(await onBench(readRegistryVolume('docker'), found)).toMatchObject({ code: 0, stdout: '', changes: [] })
    expect(await onBench(collect, found)).toMatchObject({ code: 1, changes: [] })
  })
})
