import { expect, test } from 'vitest'
import { waitForNames } from '../../src/shell/name-server.ts'
import { lines, sh } from '../../src/shell/script.ts'
import { benchWith } from './shells.ts'

const script = lines(waitForNames(['app-web-a', 'app-web-a-2']), sh`echo on`)
const asked = (bench: ReturnType<typeof benchWith>) => bench.calls().map(call => call.at(-1))

test('each name is asked for until it is known, twice', async () => {
  const deafTwice = `'exec jiji-proxy timeout 1 nslookup app-web-a') echo x >>"$BENCH/asked"; [ "$(wc -l <"$BENCH/asked")" -gt 2 ] || exit 1 ;;`
  const bench = benchWith(deafTwice)
  expect((await bench.run(script)).stdout).toBe('on\n')
  expect(asked(bench)).toEqual([...Array(4).fill('app-web-a'), ...Array(2).fill('app-web-a-2')])
})

test('one that never is known holds nothing up for long', async () => {
  const bench = benchWith(`'exec '*) exit 1 ;;`)
  expect((await bench.run(script)).stdout).toBe('on\n')
  expect(asked(bench)).toHaveLength(20)
})
