import { findImages } from '../../shell/images.ts'
import type { ApplyContext } from '../apply-context.ts'
import { idsIn } from '../image-ids.ts'
import { limits } from '../limits.ts'
import { overLosses } from '../losses.ts'
import type { ServerPlan } from '../plan/plan.ts'
import { absentOf, type Way } from './choose.ts'
import type { Proposal } from './ways.ts'

/** Looks whether a server has the very images that were pushed, whoever has handed them on. @returns what it lacks */
export async function findAbsent(
  context: ApplyContext,
  { server, engine }: ServerPlan,
  { images }: Way,
  { needs, compositions }: Pick<Proposal, 'needs' | 'compositions'>,
): Promise<string[]> {
  const { signal } = context
  const output = await overLosses(context, server, runner =>
    runner.run(findImages(engine, images), { signal, timeout: limits.ask }),
  )
  const all = needs.find(one => one.server === server)?.images ?? new Map()
  const wanted = new Map(images.map(image => [image, all.get(image) ?? '']))
  return absentOf(wanted, idsIn(output), compositions)
}
