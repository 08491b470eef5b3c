import { expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { recorder } from '../../src/runner/recorder.ts'
import { sh } from '../../src/shell/script.ts'

test('a recorder keeps scripts, runs none and answers with success', async () => {
  const runner = recorder('web1')
  expect(await runner.run(sh`exit 3`)).toEqual({ code: 0, stdout: '', stderr: '' })
  await runner.run(sh`login ${new Secret('TOKEN', 'geheim')}`)
  expect(runner.server).toBe('web1')
  expect(runner.scripts.map(String)).toEqual(['exit 3', 'login [TOKEN]'])
  await runner.close()
})

test('a recorder answers as it is told, and reports the lines', async () => {
  const runner = recorder('web1', script =>
    /ps/.test(String(script)) ? { code: 4, stdout: 'a\nb\n', stderr: 'c' } : {},
  )
  const lines: string[] = []
  expect(await runner.run(sh`docker ps`, { onLine: (line, stream) => lines.push(`${stream} ${line}`) })).toEqual({
    code: 4,
    stdout: 'a\nb\n',
    stderr: 'c',
  })
  expect(lines).toEqual(['stdout a', 'stdout b', 'stderr c'])
  expect((await runner.run(sh`true`)).code).toBe(0)
})
