import type { Config } from '../config/config.ts'
import { findActor } from '../deploy/actor.ts'
import type { HoldContext } from '../deploy/hold-lock.ts'
import { withLock } from '../deploy/lock.ts'
import type { Tending } from '../deploy/tending.ts'
import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'
import { ownerOf, waitOf } from './release.ts'
import { thisMachine } from './servers.ts'

/** Works on what stands on servers, under the lock and with what they say of themselves there. */
export async function tend<T>(
  context: Context,
  config: Config,
  runners: ReadonlyMap<string, Runner>,
  work: (tending: Tending) => Promise<T>,
  how: Pick<HoldContext, 'observing'> = {},
): Promise<T> {
  const { output } = context
  const actor = await findActor(thisMachine(context), context.environment)
  const owner = ownerOf(actor, context)
  const report = output.event.bind(output)
  const lock = { config, owner, wait: waitOf(context), report, signal: context.signal, ...how }
  const mask = (text: string) => output.mask(text)
  return withLock(lock, [...runners.values()], ({ observations, signal }) =>
    work({ config, runners, observations, owner, actor, report, mask, signal }),
  )
}

/** Without a terminal `--yes` says that it is meant. Whoever is asked is shown what would happen, and has to say more than Enter. */
export async function confirmRemoval({ options, output }: Context, shown: string, what: string): Promise<void> {
  if (options.flag('yes')) return
  if (!output.isInteractive) throw new JijiError('usage.needs-confirmation', what, { hint: 'add --yes' })
  await output.confirm(shown, 'no')
}
