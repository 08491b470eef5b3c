import { describeOwner } from '../../deploy/hold-lock.ts'
import { releaseLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { failureOf, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  await onLocks(context, releaseLock, answers => {
    for (const answer of answers) {
      const { runner, owner } = answer
      const result = owner ? `released the lock of ${describeOwner(owner)}` : 'there was no lock'
      if (!failureOf(answer)) context.output.result(`${runner.server}: ${result}`)
    }
    for (const failure of answers.map(failureOf)) if (failure) throw failure
  })
}
