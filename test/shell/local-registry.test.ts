import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/config/config.ts'
import { exits } from '../../src/shell/engine.ts'
import { ensureLocalRegistry, removeLocalRegistry } from '../../src/shell/local-registry.ts'
import type { Script } from '../../src/shell/script.ts'
import { benchWith } from './shells.ts'

const engines: Engine[] = ['docker', 'podman']
const ensure = ensureLocalRegistry('docker', { type: 'local', port: 9270, image: 'registry:2' })

/** Runs it where the engine says this of the container; without words there is none. */
async function onBench(script: Script, found: string, more = '') {
  const bench = benchWith(`'inspect '*) ${found ? `echo '${found}'` : 'exit 1'} ;;\n${more}`)
  const { code, stdout } = await bench.run(script)
  const calls = bench.calls().map(([, ...words]) => words.join(' '))
  return { code, stdout, calls, changes: calls.filter(call => !/^(inspect|image|ps)/.test(call)) }
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
      for (const script of [ensureLocalRegistry(engine, config), removeLocalRegistry(engine)])
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
