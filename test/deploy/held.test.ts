import { expect, test } from 'vitest'
import { type Event, holding } from '../../src/deploy/event.ts'
import { JijiError } from '../../src/errors.ts'

const server = 'web1'

/** The states that are told of something held while the work fails so. */
async function statesAfter(error: Error): Promise<string[]> {
  const states: string[] = []
  const report = ({ state }: Event) => void states.push(state)
  await expect(holding(report, { step: 'hook', server }, () => Promise.reject(error))).rejects.toBe(error)
  return states
}

test.each([
  new Error('a fault of ours'),
  new JijiError('hook.failed', 'it failed', { server }),
  new JijiError('interrupted', 'interrupted'),
])('what has cleaned up holds nothing any more: $message', async error => {
  expect(await statesAfter(error)).toEqual(['held', 'let go'])
})

test.each([
  new JijiError('server.lost', 'the connection was lost', { server }),
  new JijiError('server.timeout', 'it took too long', { server }),
  new JijiError('interrupted', 'it did not end', { server }),
])('of what may go on there nothing is known: $message', async error => {
  expect(await statesAfter(error)).toEqual(['held'])
})
