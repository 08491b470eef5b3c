import type { NewContainer, Replacement } from '../shell/replace.ts'
import type { ApplyContext } from './apply-context.ts'
import { settled } from './failure.ts'
import type { DigestsByServer } from './images.ts'
import type { Plan, ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { restoreRoutes } from './proxies.ts'
import { notPutBack, putBack, type Switched, serviceOf, standing } from './put-back.ts'
import { replaceOne } from './replace.ts'
import { surroundingsOf } from './surroundings.ts'

/**
 * Service by service: the first server alone, then the others together. A failure puts back what had been switched.
 * @throws JijiError release.not-put-back when that failed as well
 */
export async function replaceAll(context: ApplyContext, plan: Plan, digests: DigestsByServer): Promise<void> {
  const switched: Switched[] = []
  const replace = (server: ServerPlan, replacement: ReplacementPlan) =>
    replaceOne(context, server, toReplacement(context, plan, server, replacement, digests), () =>
      switched.push({ server, replacement }),
    )
  try {
    for (const service of context.config.services) {
      const [first, ...others] = plan.servers.flatMap(server =>
        server.replacements
          .filter(replacement => replacement.service === service.name)
          .map(replacement => ({ server, replacement })),
      )
      if (first) await replace(first.server, first.replacement)
      await settled(others.map(({ server, replacement }) => replace(server, replacement)))
    }
  } catch (error) {
    const stuck = await putBack(context, switched)
    const isBack = ({ server }: ServerPlan) => !stuck.some(one => one.server.server === server)
    await restoreRoutes(context, plan.servers.filter(isBack))
    throw stuck.length > 0 ? notPutBack(error, stuck, plan) : error
  }
}

function toReplacement(
  { config, secrets, owner }: ApplyContext,
  plan: Plan,
  { server }: ServerPlan,
  { service: name, image, candidate, live, leftovers, again }: ReplacementPlan,
  digests: DigestsByServer,
): Replacement {
  const service = serviceOf(config, name)
  const create = (): NewContainer => ({
    image,
    release: plan.release,
    version: again?.version ?? plan.version,
    digest: digests.get(server)?.get(name) ?? '',
    ...surroundingsOf({ config, secrets }, service),
  })
  return {
    scope: config.scope,
    owner,
    service,
    candidate: { ...standing(candidate), ...(candidate.isNew ? { create: create() } : { isMoved: true }) },
    live: live && standing(live),
    afterwards: 'stop',
    leftovers,
    timing: config.deploy,
  }
}
