import { readLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { describeOwner, failureOf, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  const { output } = context
  await onLocks(context, readLock, answers => {
    for (const failure of answers.map(failureOf)) if (failure) throw failure
    if (output.style.json) {
      const locks = answers.map(({ runner, owner }) => ({ server: runner.server, owner: owner ?? null }))
      output.json({ schemaVersion: 1, locks })
    } else
      output.table(
        ['server', 'lock'],
        answers.map(({ runner, owner }) => [runner.server, owner ? describeOwner(owner) : 'free']),
      )
  })
}
