import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'

/**
 * Configurations as people break them, each in a folder of its own beside what jiji says of it (`expected.txt`): to be
 * read by somebody who has no other documentation. `vitest -u` writes them anew.
 */
const broken = join(import.meta.dirname, 'broken')

/** Other words than `validate` and `deploy`, which are to say the same. */
const words: Readonly<Record<string, readonly string[]>> = {
  'idle-keys': ['validate'],
  'literal-password': ['validate'],
  'missing-secret': ['validate --secrets', 'deploy'],
  overlay: ['validate -e staging', 'deploy -e staging'],
}

describe('a broken configuration', () => {
  const folders: string[] = []
  beforeAll(() => vi.stubGlobal('JIJI_VERSION', '0.0.0'))
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  const say = async (name: string, line: string) => {
    // Elsewhere, since git knows this folder.
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'jiji-broken-')))
    folders.push(directory)
    cpSync(join(broken, name), directory, { recursive: true })
    const [stdin, stdout, stderr] = [0, 1, 2].map(() => new PassThrough({ highWaterMark: 1_000_000 }))
    stdin?.end()
    const streams = { stdin, stdout, stderr }
    const world = { argv: line.split(' '), environment: {}, forget: () => {}, directory, ...streams }
    const code = await main(world as unknown as Parameters<typeof main>[0])
    const said = [stderr, stdout].map(stream => String(stream?.read() ?? '')).join('')
    return `${said.replaceAll(directory, 'FOLDER')}exit ${code}\n`
  }

  test.each(readdirSync(broken))('%s', async name => {
    const lines = words[name] ?? ['validate', 'deploy']
    const said = await Promise.all(lines.map(line => say(name, line)))
    expect(new Set(said).size).toBe(1)
    const [text = ''] = said
    await expect(`$ jiji ${lines.join(' / ')}\n${text}`).toMatchFileSnapshot(join(broken, name, 'expected.txt'))
    expect(rowsOf(text), 'rows of a terminal of 80 columns').toBeLessThanOrEqual(22)
  })

  test('no fixture is without what is expected of it', () => {
    for (const name of readdirSync(broken))
      expect(readFileSync(join(broken, name, 'expected.txt'), 'utf8')).toMatch(/\nexit \d\n$/)
  })
})

function rowsOf(text: string): number {
  const rows = text.trimEnd().split('\n')
  return rows.reduce((sum, row) => sum + Math.max(1, Math.ceil(row.length / 80)), 0)
}
