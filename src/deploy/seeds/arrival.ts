import { findImages } from '../../shell/images.ts'
import type { ApplyContext } from '../apply-context.ts'
import { idsIn } from '../image-ids.ts'
import { limits } from '../limits.ts'
import { overLosses } from '../losses.ts'
import type { ServerPlan } from '../plan/plan.ts'
import { type Compositions, isThere, type Way } from './choose.ts'

/** Looks whether a server has the very images that were pushed, whoever has handed them on. @returns what it lacks */
export async function findAbsent(
  context: ApplyContext,
  { server, engine }: ServerPlan,
  { images }: Way,
  compositions: Compositions,
): Promise<string[]> {
  const { signal } = context
  const output = await overLosses(context, server, runner =>
    runner.run(findImages(engine, images), { signal, timeout: limits.ask }),
  )
  return images.filter(image => !isThere(image, idsIn(output), compositions))
}
