import { findActor } from '../../deploy/actor.ts'
import { releaseLock, takeLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { thisMachine } from '../gather.ts'
import { failureOf, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  const { command, options, output, environment } = context
  const message = options.text('message')
  const actor = await findActor(thisMachine(context), environment)
  const owner = { ...actor, since: new Date().toISOString(), command, ...(message ? { message } : {}) }

  await onLocks(
    context,
    scope => takeLock(scope, owner),
    async (answers, scope) => {
      const failure = answers.map(failureOf).find(one => one !== undefined)
      if (failure) {
        // All or none: a lock on some servers would stop deploys, and nobody would know of it.
        const taken = answers.filter(answer => failureOf(answer) === undefined)
        await Promise.allSettled(taken.map(({ runner }) => runner.run(releaseLock(scope))))
        throw failure
      }
      output.result(`locked on ${answers.map(({ runner }) => runner.server).join(', ')}`)
    },
  )
}
