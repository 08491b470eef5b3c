import type { Config } from '../../config/config.ts'
import { findActor } from '../../deploy/actor.ts'
import { auditEntry } from '../../deploy/audit.ts'
import type { Runner } from '../../runner/runner.ts'
import { appendAudit, doneAndRecorded } from '../../shell/audit.ts'
import { releaseLock, takeLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { failureOf, onLocks } from '../locks.ts'
import { thisMachine } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const { command, options, output, environment } = context
  const message = options.text('message')
  const actor = await findActor(thisMachine(context), environment)
  const { by, host } = actor
  const owner = { by, host, since: new Date().toISOString(), command, ...(message ? { message } : {}) }
  const trace = (
    { scope, project }: Config,
    runner: Runner,
    action: 'lock acquire' | 'lock release',
    reason = message,
  ) =>
    appendAudit(
      scope,
      auditEntry(actor, project, runner, {
        action,
        result: 'done',
        ...(reason ? { reason: output.mask(reason) } : {}),
      }),
    )

  await onLocks(
    context,
    (config, runner) => doneAndRecorded(takeLock(config.scope, owner), trace(config, runner, 'lock acquire')),
    async (answers, config) => {
      const failure = answers.map(failureOf).find(one => one !== undefined)
      if (failure) {
        // All or none: a lock on some servers would stop deploys, and nobody would know of it.
        const taken = answers.filter(answer => failureOf(answer) === undefined)
        const giveBack = ({ runner }: (typeof answers)[number]) =>
          runner.run(
            doneAndRecorded(
              releaseLock(config.scope),
              trace(config, runner, 'lock release', 'not every server could be locked'),
            ),
          )
        await Promise.allSettled(taken.map(giveBack))
        throw failure
      }
      output.result(`locked on ${answers.map(({ runner }) => runner.server).join(', ')}`)
    },
  )
}
