import { expect, test } from 'vitest'
import { localRunner } from '../../src/runner/local.ts'
import { sh } from '../../src/shell/script.ts'

test('x', async () => {
  const r = localRunner('here', { grace: 500 })
  expect(await r.run(sh`echo hi; echo err >&2; exit 3`)).toEqual({ code: 3, stdout: 'hi\n', stderr: 'err\n' })
  const u = new AbortController()
  setTimeout(() => u.abort(), 100)
  expect(await r.run(sh`on_exit() { echo bye; }; interruptible sleep 5`, { until: u.signal })).toEqual({
    code: 143,
    stdout: 'bye\n',
    stderr: '',
  })
  await expect(r.run(sh`on_exit() { echo bye; }; interruptible sleep 5`, { timeout: 100 })).rejects.toThrow(
    /did not end/,
  )
  await expect(r.run(sh`trap '' TERM; sleep 5`, { timeout: 100 })).rejects.toThrow(/did not end/)
  console.log(await r.run(sh`kill -9 $$`))
})
