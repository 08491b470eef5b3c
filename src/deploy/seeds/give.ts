import { JijiError } from '../../errors.ts'
import { lastLine } from '../../runner/engine-failure.ts'
import type { Runner } from '../../runner/runner.ts'
import { giveImages } from '../../shell/seed.ts'
import type { ApplyContext } from '../apply-context.ts'
import { limits } from '../limits.ts'
import { overLosses } from '../losses.ts'
import type { ServerPlan } from '../plan/plan.ts'
import { neighbourOf } from './trust.ts'

export type Gift = { to: ServerPlan; images: readonly string[] }

/**
 * Has a server hand images on to others, to all at once, also over a lost connection.
 * @returns of those where that has failed, why
 */
export async function giveAll(
  context: ApplyContext,
  seed: ServerPlan,
  gifts: readonly Gift[],
): Promise<Map<string, string>> {
  const failures = new Map(gifts.map(({ to }) => [to.server, 'it was not begun']))
  const left = new Set(gifts)
  const give = async (runner: Runner, gift: Gift) => {
    const why = await giveOne(context, runner, seed, gift)
    left.delete(gift)
    if (why === undefined) failures.delete(gift.to.server)
    else failures.set(gift.to.server, why)
  }
  try {
    await overLosses(context, seed.server, async runner => {
      const results = await Promise.allSettled([...left].map(gift => give(runner, gift)))
      for (const result of results) if (result.status === 'rejected') throw result.reason
    })
  } catch (error) {
    if (context.signal.aborted || !(error instanceof JijiError)) throw error
    for (const { to } of left) failures.set(to.server, error.message)
  }
  return failures
}

/** @throws JijiError server.lost */
async function giveOne(
  context: ApplyContext,
  runner: Runner,
  seed: ServerPlan,
  { to, images }: Gift,
): Promise<string | undefined> {
  const { report, signal } = context
  report({ step: 'pull', state: 'begun', server: to.server, detail: `${images.join(', ')} from ${seed.server}` })
  const script = giveImages(seed.engine, images, to.engine, neighbourOf(context, to.server))
  const output = await runner.run(script, { signal, timeout: limits.pull })
  return output.code === 0 ? undefined : lastLine(output.stderr)
}
