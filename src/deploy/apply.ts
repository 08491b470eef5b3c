import type { ApplyContext } from './apply-context.ts'
import type { Digests } from './build.ts'
import { settled } from './failure.ts'
import { getImages, imagesOnceMore, recordedDigests } from './images.ts'
import type { Plan } from './plan/plan.ts'
import { prepareProxies } from './proxies.ts'
import { recordAll } from './record.ts'
import { replaceAll } from './rollout.ts'
import { runServiceHooks } from './service-hooks.ts'

/** Carries a plan out. A failure puts back what had been switched, and is thrown when that is done. */
export async function apply(context: ApplyContext, plan: Plan, pushed: () => Promise<Digests>): Promise<void> {
  const [digests] = await settled([digestsFor[plan.action](context, plan, pushed), prepareProxies(context, plan)])
  if (plan.action === 'deploy') await runServiceHooks(context, plan)
  await replaceAll(context, plan, digests)
  await recordAll(context, plan, digests)
}

const digestsFor = {
  deploy: getImages,
  restart: imagesOnceMore,
  scale: imagesOnceMore,
  rollback: recordedDigests,
}
