import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { frame } from '../../src/shell/frame.ts'
import { sh } from '../../src/shell/script.ts'
import { folderWith } from '../config/folder.ts'
import { runFramed, shells } from './shells.ts'

const each = shells.map(shell => [shell.join(' '), shell] as const)

/** All processes whose environment names a folder, by their ids. */
function processesOf(folder: string): string[] {
  const { stdout } = spawnSync('sh', ['-c', 'grep -lF -- "$0" /proc/[0-9]*/environ 2>/dev/null', folder], {
    encoding: 'utf8',
  })
  return stdout.split('\n').filter(line => line !== '' && !line.includes('/self/'))
}

describe.each(each)('a framed script in %s', (_, shell) => {
  test.each<[string, number]>([
    ['exit 0', 0],
    ['exit 93', 93],
    ['true', 0],
    ['false', 1],
    ['(exit 5)', 5],
    ['interruptible sh -c "exit 6"', 6],
    ['interruptible sh -c "exit 6" || exit 7', 7],
    ['nonsense_that_is_no_command 2>/dev/null', 127],
    ['trap "" TERM; exit 4', 4],
  ])('%s: %i', async (text, code) => {
    expect(await runFramed(sh([text] as unknown as TemplateStringsArray), { shell })).toMatchObject({ code })
  })

  test('runs its clean-up at the end, with its own exit status', async () => {
    const { code, stdout } = await runFramed(
      sh`on_exit() { echo cleaned; false; }
echo ran
exit 9`,
      { shell },
    )
    expect({ code, stdout }).toEqual({ code: 9, stdout: 'ran\ncleaned\n' })
  })

  test('runs its clean-up when stdin ends, and what it waits for is stopped', async () => {
    const folder = folderWith({})
    const began = Date.now()
    const { code, stdout } = await runFramed(
      sh`on_exit() { echo cleaned >${join(folder, 'cleaned')}; }
echo begun
interruptible sleep 30
echo never`,
      { shell, hangUpAt: 'begun', environment: { BENCH: folder } },
    )
    expect({ code, stdout }).toEqual({ code: 143, stdout: 'begun\n' })
    expect(readFileSync(join(folder, 'cleaned'), 'utf8')).toBe('cleaned\n')
    expect(Date.now() - began).toBeLessThan(20_000)
    expect(processesOf(folder)).toEqual([])
  })

  test('leaves no process behind when it ends by itself', async () => {
    const folder = folderWith({})
    await runFramed(sh`echo done`, { shell, environment: { BENCH: folder } })
    for (let tries = 0; tries < 20 && processesOf(folder).length > 0; tries++) await sleep(20)
    expect(processesOf(folder)).toEqual([])
  })

  test('has a private folder while it runs, and not afterwards', async () => {
    const { stdout } = await runFramed(
      sh`make_private
printf '%s' ${new Secret('TOKEN', 'hunter2')} >"$private/token"
echo "$private"
stat -c '%a' "$private" "$private/token"
cat "$private/token"`,
      { shell },
    )
    const [folder = '', ...others] = stdout.split('\n')
    expect(others).toEqual(['700', '600', 'hunter2'])
    expect(folder).toMatch(/^\/dev\/shm\/jiji\.|\/jiji\./)
    expect(existsSync(folder)).toBe(false)
  })

  test.each(['exit 3', 'kill -TERM $$; sleep 0.1', 'kill -HUP $$; sleep 0.1', 'set -u; : "$not_set_at_all"'])(
    'removes its private folder after %j',
    async text => {
      const script = sh([`make_private; echo "$private"\n${text}`] as unknown as TemplateStringsArray)
      const { stdout, code } = await runFramed(script, { shell })
      expect(stdout).toMatch(/^\/.*\n$/)
      expect(code).not.toBe(0)
      expect(existsSync(stdout.trim())).toBe(false)
    },
  )

  test('removes its private folder when stdin ends', async () => {
    const { stdout } = await runFramed(
      sh`make_private; echo "$private"
interruptible sleep 30`,
      { shell, hangUpAt: '\n' },
    )
    expect(existsSync(stdout.trim())).toBe(false)
  })

  test('goes on when nobody reads it any more, and cleans up', async () => {
    const folder = folderWith({})
    await runFramed(
      sh`on_exit() { echo cleaned >${join(folder, 'cleaned')}; }
echo begun
for i in 1 2 3 4 5; do sleep 0.05; echo "$i"; done 2>/dev/null
echo through >${join(folder, 'through')}`,
      { shell, deafAt: 'begun' },
    )
    expect(readFileSync(join(folder, 'through'), 'utf8')).toBe('through\n')
    expect(readFileSync(join(folder, 'cleaned'), 'utf8')).toBe('cleaned\n')
  })

  test('does nothing when it does not arrive whole', async () => {
    const folder = folderWith({})
    const text = frame(sh`echo ran >>${join(folder, 'ran')}
echo more >>${join(folder, 'ran')}`)
    const cuts = Array.from({ length: 24 }, (_, index) => Math.floor((text.trimEnd().length * index) / 24))
    const [program, ...words] = shell
    await Promise.all(
      cuts.map(
        cut =>
          new Promise(resolve => {
            const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'ignore'] })
            child.on('close', resolve)
            child.stdin.end(text.slice(0, cut))
          }),
      ),
    )
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })

  test('with a fault in its syntax does nothing, and fails', async () => {
    const folder = folderWith({})
    const { code } = await runFramed(
      sh`echo ran >${join(folder, 'ran')}
if true; then`,
      { shell },
    )
    expect(code).not.toBe(0)
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })

  test('does not let its commands read the rest of stdin', async () => {
    expect((await runFramed(sh`cat; echo after`, { shell })).stdout).toBe('after\n')
  })

  test('speaks English, and finds what is in sbin', async () => {
    const { stdout } = await runFramed(sh`echo "$LC_ALL"; echo "$PATH"`, { shell, environment: { LC_ALL: 'de_DE' } })
    expect(stdout).toMatch(/^C\n.*:\/usr\/local\/bin:\/usr\/sbin:\/sbin\n$/)
  })
})
