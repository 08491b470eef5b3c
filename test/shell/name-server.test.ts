import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { waitForNames } from '../../src/shell/name-server.ts'
import { lines, sh } from '../../src/shell/script.ts'
import { benchWith } from './shells.ts'

const script = lines(waitForNames(['app-web-a', 'app-web-a-2']), sh`echo on`)

test('names are asked for until all are known', async () => {
  const bench = benchWith(`'exec '*) echo x >>"$BENCH/asked"; [ "$(wc -l <"$BENCH/asked")" -gt 2 ] || exit 1 ;;`)
  expect((await bench.run(script)).stdout).toBe('on\n')
  expect(bench.calls().map(call => call.slice(-2))).toEqual(Array(3).fill(['app-web-a', 'app-web-a-2']))
})

test('one that never is known holds nothing up for long', async () => {
  const bench = benchWith(`'exec '*) exit 1 ;;`)
  expect((await bench.run(script)).stdout).toBe('on\n')
  expect(bench.calls()).toHaveLength(10)
})

test('each name is looked up twice, and the first that is not known ends it', () => {
  const find = /sh -c '([^']+)'/.exec(String(script))?.[1] ?? ''
  const lookUp = (unknown: string) => {
    const within = `timeout() { shift 2; echo "$1"; [ "$1" != ${unknown} ]; }\n${find}`
    return spawnSync('sh', ['-c', within, 'sh', 'a', 'b'], { encoding: 'utf8' })
  }
  expect(lookUp('none')).toMatchObject({ status: 0, stdout: 'a\nb\na\nb\n' })
  expect(lookUp('a')).toMatchObject({ status: 1, stdout: 'a\n' })
})
