import { readLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { describeOwner, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  const { output } = context
  await onLocks(context, readLock, answers => {
    if (output.style.json) {
      output.json({ schemaVersion: 1, locks: answers.map(({ server, owner }) => ({ server, owner: owner ?? null })) })
    } else
      output.table(
        ['server', 'lock'],
        answers.map(({ server, owner }) => [server, owner ? describeOwner(owner) : 'free']),
      )
  })
}
