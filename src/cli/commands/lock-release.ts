import { releaseLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { describeOwner, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  await onLocks(context, releaseLock, answers => {
    for (const { server, owner } of answers) {
      context.output.result(
        `${server}: ${owner ? `released the lock of ${describeOwner(owner)}` : 'there was no lock'}`,
      )
    }
  })
}
