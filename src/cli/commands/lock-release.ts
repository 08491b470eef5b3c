import type { Config } from '../../config/config.ts'
import { findActor } from '../../deploy/actor.ts'
import { auditEntry } from '../../deploy/audit.ts'
import { describeOwner } from '../../deploy/hold-lock.ts'
import type { Runner } from '../../runner/runner.ts'
import { appendAudit, doneAndRecorded } from '../../shell/audit.ts'
import { releaseLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { thisMachine } from '../gather.ts'
import { failureOf, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  const actor = await findActor(thisMachine(context), context.environment)
  const trace = ({ scope, project }: Config, runner: Runner) =>
    appendAudit(scope, auditEntry(actor, project, runner, { action: 'lock release', result: 'done' }))

  await onLocks(
    context,
    (config, runner) => doneAndRecorded(releaseLock(config.scope), trace(config, runner)),
    answers => {
      for (const answer of answers) {
        const { runner, owner } = answer
        const result = owner ? `released the lock of ${describeOwner(owner)}` : 'there was no lock'
        if (!failureOf(answer)) context.output.result(`${runner.server}: ${result}`)
      }
      for (const failure of answers.map(failureOf)) if (failure) throw failure
    },
  )
}
