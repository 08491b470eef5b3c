import { expect, test } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { withLive } from '../../src/cli/live.ts'
import { Options } from '../../src/cli/options.ts'

function shown(progress: string | undefined, environment: Record<string, string> = {}) {
  const options = new Options(new Map(progress === undefined ? [] : [['progress', [progress]]]), environment)
  const output = { live: (work: () => Promise<string>) => work().then(text => `${text} live`) }
  return withLive({ options, output } as unknown as Context, async () => 'shown')
}

test.each<[string | undefined, Record<string, string>, string]>([
  [undefined, {}, 'shown live'],
  ['auto', {}, 'shown live'],
  ['plain', {}, 'shown'],
  [undefined, { JIJI_PROGRESS: 'plain' }, 'shown'],
  ['auto', { JIJI_PROGRESS: 'plain' }, 'shown live'],
])('with --progress %s and %j: %s', async (progress, environment, text) =>
  expect(await shown(progress, environment)).toBe(text),
)
test('of no other kind is refused', async () => {
  await expect(shown('fancy')).rejects.toThrow('--progress takes auto or plain, not fancy')
})
