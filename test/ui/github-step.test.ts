import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { isReadByRunner } from '../../src/ui/github-step.ts'

const run = `test-${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'jiji-step-'))
const file = join(folder, 'said')
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a step, in which `say` tells the number of its process and waits. */
async function readByRunner(step: string, fd = 1): Promise<boolean> {
  const say = '(echo "it is $$" >&9); sleep 600; true' // in brackets, for its own stdout to be no other even then
  const child = spawn('sh', ['-c', step.replace('say', () => `sh -c '${say}'`)], {
    env: { ...process.env, GITHUB_RUN_ID: run, FILE: file },
    stdio: ['ignore', 'pipe', 'pipe', ...Array(6).fill('ignore'), 'pipe'],
    detached: true,
  })
  onTestFinished(() => void process.kill(-(child.pid ?? 0), 'SIGKILL'))
  const [said] = await once((child.stdio as unknown as NodeJS.ReadableStream[])[9] ?? child, 'data')
  const [, pid] = /it is (\d+)/.exec(String(said)) ?? []
  return isReadByRunner({ fd }, run, Number(pid))
}

describe.skipIf(process.platform !== 'linux')("what GitHub's runner reads of a step", () => {
  test.each([
    ['say', true],
    ['exec say', true],
    ['say; true', true],
    ['say 2>/dev/null; true', true],
    ['say >&2; true', true],
    ['(cd /; true; say); true', true],
    ['say | cat', false],
    ['{ true; say; } | cat', false],
    ['text=$(true; say; true)', false],
    ['say >"$FILE"; true', false],
  ])('%s: %s', async (step, isRead) => {
    expect(await readByRunner(step)).toBe(isRead)
  })
  test('on stderr as well', async () => {
    expect(await Promise.all([readByRunner('say; true', 2), readByRunner('say 2>"$FILE"; true', 2)])).toEqual([
      true,
      false,
    ])
  })
  test('is not known of a stream that is none, or a process that has gone', () => {
    expect([isReadByRunner({}, run), isReadByRunner({ fd: 1 }, run, 2 ** 30)]).toEqual([false, false])
  })
})
