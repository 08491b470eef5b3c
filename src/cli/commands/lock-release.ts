import type { Config } from '../../config/config.ts'
import { type Actor, findActor } from '../../deploy/actor.ts'
import { auditEntry } from '../../deploy/audit.ts'
import { describeOwner } from '../../deploy/hold-lock.ts'
import type { Runner } from '../../runner/runner.ts'
import { appendAudit, doneAndRecorded } from '../../shell/audit.ts'
import { readLock, releaseLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { type Answer, describeHolder, failureOf, onLocks } from '../locks.ts'
import { isAsked } from '../release.ts'
import { thisMachine } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const actor = await findActor(thisMachine(context), context.environment)
  const trace = ({ scope, project }: Config, runner: Runner) =>
    appendAudit(scope, auditEntry(actor, project, runner, { action: 'lock release', result: 'done' }))

  if (isAsked(context)) await onLocks(context, ({ scope }) => readLock(scope), confirmOthers(context, actor))
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

/** What somebody has locked by hand they may unlock unasked; another's, or what a command holds that runs, is to be meant. */
function confirmOthers({ output }: Context, actor: Actor) {
  return async (answers: readonly Answer[]): Promise<void> => {
    const isOwn = ({ owner, holder }: Answer) => !holder && owner?.by === actor.by && owner.host === actor.host
    const others = answers.filter(answer => answer.owner && !isOwn(answer))
    if (others.length === 0) return
    const lines = others.map(
      ({ runner, owner = {}, holder }) =>
        `  ${runner.server}: ${describeOwner(owner)}${holder ? `: ${describeHolder(holder)}` : ''}`,
    )
    await output.confirm(['take away the lock of', ...lines].join('\n'), 'no')
  }
}
