import type { ApplyContext } from './apply-context.ts'
import type { Pushed } from './build.ts'
import { settled } from './failure.ts'
import { restoreRoutes } from './handover.ts'
import { type DigestsByServer, getImages, imagesOnceMore, imagesOnRecord } from './images.ts'
import type { Plan } from './plan/plan.ts'
import { startProxies } from './proxies.ts'
import { finishAll } from './record.ts'
import { withReturning } from './recorded.ts'
import { replaceAll } from './rollout.ts'
import { runServiceHooks } from './service-hooks.ts'

/** Carries a plan out. A failure puts back what had been switched, and is thrown when that is done. */
export async function apply(context: ApplyContext, plan: Plan, pushed: () => Promise<Pushed>): Promise<void> {
  if (plan.action === 'rollback') return goBack({ ...context, config: withReturning(context, plan) }, plan)
  const getDigests = digestsFor[plan.action]
  const digests = await prepare(context, plan, () => getDigests(context, plan, pushed))
  await replaceAll(context, plan, digests)
  await finishAll(context, plan)
}

const digestsFor = {
  deploy: getImages,
  restart: imagesOnceMore,
  scale: imagesOnceMore,
}

/** All that needs to be there before anything that runs is changed. */
async function prepare(
  context: ApplyContext,
  plan: Plan,
  getDigests: () => Promise<DigestsByServer>,
): Promise<DigestsByServer> {
  try {
    const [digests] = await settled([getDigests(), startProxies(context, plan)])
    if (plan.action === 'deploy') await runServiceHooks(context, plan)
    return digests
  } catch (error) {
    await restoreRoutes(
      context,
      plan.servers.filter(({ proxy }) => proxy === 'start'),
    )
    throw error
  }
}

/** Nothing is changed before every image is there: one that is gone may not be found any more. */
async function goBack(context: ApplyContext, plan: Plan): Promise<void> {
  const digests = await imagesOnRecord(context, plan)
  await startProxies(context, plan)
  await replaceAll(context, plan, digests)
  await finishAll(context, plan)
}
