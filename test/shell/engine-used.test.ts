import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exits } from '../../src/shell/engine.ts'
import { requireNoneElsewhere } from '../../src/shell/engine-used.ts'
import { stateFolder } from '../../src/shell/names.ts'
import { recordCurrent } from '../../src/shell/records.ts'
import { lines, sh } from '../../src/shell/script.ts'
import { write } from '../config/folder.ts'
import { benchWith } from './shells.ts'

const scope = 'shop'
/** What Docker, which stands beside Podman, says is there of the project. */
const dockerHas = (said: string) => `'ps '*) [ "\${0##*/}" != docker ] || { ${said}; } ;;`

function serverWhere({ said, current = 'r1', engine }: { said: string; current?: string; engine?: string }) {
  const bench = benchWith(dockerHas(said))
  if (current) write(bench.folder, { [`state/${scope}/current`]: `${current}\n` })
  if (engine) write(bench.folder, { [`state/${scope}/engine`]: `${engine}\n` })
  const ids = sh`ids='aaa
bbb'`
  const script = lines(stateFolder(scope), ids, requireNoneElsewhere('podman', scope), sh`echo fine`)
  return { bench, ask: () => bench.run(script) }
}

describe('a project that is to run with Podman', () => {
  test.each([
    ['has containers of Docker', { said: 'echo ccc; echo ddd', engine: 'docker' }, 'elsewhere docker 2'],
    ['has some since before engines were noted', { said: 'echo ccc' }, 'elsewhere docker 1'],
    ['has had them with a Docker that is silent', { said: 'exit 1', engine: 'docker' }, 'elsewhere docker'],
  ])('%s', async (_, given, said) => {
    expect(await serverWhere(given).ask()).toMatchObject({ code: exits.otherEngine, stdout: `${said}\n` })
  })

  test.each([
    ['has none there any more', { said: ':', engine: 'docker' }],
    ['has those that are also Podman’s, which goes by that name', { said: 'echo bbb; echo aaa', engine: 'docker' }],
    ['is not known to have had any with a Docker that is silent', { said: 'exit 1' }],
  ])('%s', async (_, given) => {
    const { bench, ask } = serverWhere(given)
    expect(await ask()).toMatchObject({ code: 0, stdout: 'fine\n' })
    expect(bench.calls()).toHaveLength(1)
  })

  test.each([
    ['runs with it', { said: 'echo ccc', engine: 'podman' }],
    ['runs with nothing yet', { said: 'echo ccc', current: '' }],
  ])('%s, and Docker is not asked', async (_, given) => {
    const { bench, ask } = serverWhere(given)
    expect(await ask()).toMatchObject({ code: 0, stdout: 'fine\n' })
    expect(bench.calls()).toEqual([])
  })
})

test('a Docker that is not there any more has no containers', async () => {
  const { bench } = serverWhere({ said: 'echo ccc', engine: 'docker' })
  rmSync(join(bench.folder, 'docker'))
  const ask = lines(sh`PATH=${bench.folder}`, stateFolder(scope), requireNoneElsewhere('podman', scope), sh`echo fine`)
  expect(await bench.run(ask)).toMatchObject({ code: 0, stdout: 'fine\n' })
})

test('the engine of what is on record is noted with it', async () => {
  const bench = benchWith()
  const record = { schemaVersion: 1 as const, id: 'r1', version: '1', at: '', by: '', services: {} }
  const said = await bench.run(lines(recordCurrent('podman', scope, record), sh`cat "$state/engine"`))
  expect(said).toMatchObject({ code: 0, stdout: 'podman\n' })
})
