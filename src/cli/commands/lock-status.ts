import { type LockOwner, readLock } from '../../shell/lock.ts'
import { renderAge } from '../../ui/age.ts'
import type { Context } from '../context.ts'
import { describeHolder, failureOf, onLocks } from '../locks.ts'

export async function run(context: Context): Promise<void> {
  const { output } = context
  await onLocks(
    context,
    ({ scope }) => readLock(scope),
    answers => {
      for (const failure of answers.map(failureOf)) if (failure) throw failure
      if (output.style.json) {
        const locks = answers.map(({ runner, owner, holder }) => ({
          server: runner.server,
          owner: owner ?? null,
          holder: holder ?? null,
        }))
        output.json({ schemaVersion: 1, locks })
      } else
        output.table(
          ['server', 'held by', 'for', 'why', 'heartbeat'],
          answers.map(({ runner, owner, holder }) =>
            owner
              ? [
                  ...[runner.server, nameOf(owner), renderAge(owner.since, new Date())],
                  ...[owner.message ?? owner.command ?? '-', describeHolder(holder)],
                ]
              : [runner.server, 'nobody', '-', '-', '-'],
          ),
        )
    },
  )
}

function nameOf({ by, host }: Partial<LockOwner>): string {
  return by === undefined ? 'somebody' : `${by} from ${host}`
}
