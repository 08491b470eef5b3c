import { findActor } from '../../deploy/actor.ts'
import { JijiError } from '../../errors.ts'
import { exits } from '../../shell/engine.ts'
import { takeLock } from '../../shell/lock.ts'
import type { Context } from '../context.ts'
import { thisMachine } from '../gather.ts'
import { describeOwner, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, environment } = context
  const message = options.text('message')
  const actor = await findActor(thisMachine(context), environment)
  const owner = { ...actor, since: new Date().toISOString(), command: 'lock acquire', ...(message ? { message } : {}) }

  await onLocks(
    context,
    scope => takeLock(scope, owner),
    answers => {
      const held = answers.find(answer => answer.output.code === exits.lockHeld)
      if (held) {
        throw new JijiError(
          'lock.held',
          `${held.server}: the lock is held by ${held.owner ? describeOwner(held.owner) : 'somebody'}`,
          {
            server: held.server,
            hint: 'jiji lock status shows all servers; jiji lock release takes locks away',
          },
        )
      }
      const failed = answers.find(answer => answer.output.code !== 0)
      if (failed)
        throw new JijiError('failed', `${failed.server}: the lock could not be taken: ${failed.output.stderr.trim()}`, {
          server: failed.server,
        })
      output.result(`locked on ${answers.map(({ server }) => server).join(', ')}`)
    },
  )
}
