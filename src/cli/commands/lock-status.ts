import { describeOwner } from '../../deploy/hold-lock.ts'
import { readLock } from '../../shell/lock.ts'
import { renderAge, renderDuration } from '../../ui/age.ts'
import type { Context } from '../context.ts'
import { type Answer, failureOf, onLocks } from '../locks.ts'

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
          ['server', 'lock', 'for', 'heartbeat'],
          answers.map(({ runner, owner, holder }) =>
            owner
              ? [runner.server, describeOwner(owner), renderAge(owner.since, new Date()), describeHolder(holder)]
              : [runner.server, 'free', '-', '-'],
          ),
        )
    },
  )
}

function describeHolder(holder: Answer['holder']): string {
  if (!holder) return 'none: stays until jiji lock release'
  const ago = holder.silentFor === undefined ? '' : `, last ${renderDuration(holder.silentFor * 1000)} ago`
  return holder.state === 'live' ? `live${ago}` : `gone${ago}: the next deploy takes it over`
}
