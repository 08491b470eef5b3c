import { expect, test, vi } from 'vitest'
import { run } from '../../src/cli/commands/config.ts'
import type { Context } from '../../src/cli/context.ts'
import { Options } from '../../src/cli/options.ts'
import { decode } from '../../src/config/text-file.ts'
import { folderWith } from '../config/folder.ts'

vi.mock('../../src/config/text-file.ts', async original => {
  const { decode } = await original<typeof import('../../src/config/text-file.ts')>()
  return { decode: vi.fn(decode) }
})

test('jiji config reads each file once: what it warns of is what it shows', async () => {
  const text = 'project: app\nservers: {web1: {host: local}}\nservices: {web: {image: nginx, hosts: [web1]}}\n'
  const directory = folderWith({ '.jiji/deploy.yml': text, '.jiji/deploy.staging.yml': 'project: staged\n' })
  const document = vi.fn()
  const output = { style: { json: false }, warn: vi.fn(), document }
  const options = new Options(new Map([['environment', ['staging']]]), {})
  await run({ args: ['project'], options, output, directory } as unknown as Context)
  expect(document).toHaveBeenCalledWith('staged')
  expect(decode).toHaveBeenCalledTimes(2)
})
