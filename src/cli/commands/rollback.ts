import type { Config } from '../../config/config.ts'
import { type Observation, observeAll } from '../../deploy/observe.ts'
import { isPulled, type Plan, type ReplacementPlan } from '../../deploy/plan/plan.ts'
import { planRollback } from '../../deploy/plan/rollback.ts'
import { withReturning } from '../../deploy/recorded.ts'
import { ensureRegistry } from '../../registry/local/container.ts'
import type { Context } from '../context.ts'
import { withHooks } from '../hooks.ts'
import { loadProject, selectFrom } from '../project.ts'
import { namingSkipped, type Reached, withReached } from '../reached.ts'
import { rehearse } from '../rehearse.ts'
import { confirmPlan, isAsked, release } from '../release.ts'
import { showReleases } from '../releases.ts'
import { pageFile, withReport } from '../report.ts'
import { gatherKeys, gatherPullSecrets } from '../secrets.ts'
import { thisMachine } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const { args, options } = context
  const page = pageFile(context)
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  // What containers are told is kept on the servers: only the way to them is needed.
  const secrets = await gatherKeys(context, config, selected.servers)
  const isPartial = options.list('services') !== undefined
  if (options.flag('list')) return showReleases(context, { config, secrets, selected, isPartial })

  const planner = (reached: Reached) => (observations: readonly Observation[]) => {
    const request = { config, selected: reached.selected, observations, wanted: args[0], isPartial }
    return namingSkipped(planRollback(request), reached)
  }
  const ahead = async (reached: Reached) => {
    const observations = await observeAll(config, reached.runners, context.signal)
    const plan = planner(reached)(observations)
    const then = withReturning({ config, observations }, plan)
    return { plan, secrets: secrets.and(await gatherPullSecrets(context, then, pulledIn(plan))) }
  }

  if (options.flag('dry-run')) {
    return withReached(context, config, secrets, selected, async reached =>
      rehearse(context, config, (await ahead(reached)).secrets, reached.runners, planner(reached)),
    )
  }
  await withReport(context, page, `rollback of ${config.project}`, () =>
    withHooks(context, config, selected, hooks =>
      withReached(context, config, secrets, selected, async reached => {
        const { plan, secrets } = await ahead(reached)
        if (isAsked(context)) await confirmPlan(context, plan)
        await startRegistry(context, config, plan)
        const { runners } = reached
        return release(context, { config, secrets, runners, hooks }, planner(reached), async () => new Map())
      }),
    ),
  )
}

/** The local one, where images are to come from it. */
async function startRegistry(context: Context, { builder: { engine, registry } }: Config, plan: Plan): Promise<void> {
  if (registry.type === 'remote' || !pulledIn(plan).some(({ image }) => image.startsWith('localhost:'))) return
  const { change } = await ensureRegistry(thisMachine(context), engine, registry, context.signal)
  if (change) context.output.event({ step: 'registry', state: 'done', detail: change })
}

/** Mostly none. */
function pulledIn({ servers }: Plan): ReplacementPlan[] {
  return servers.flatMap(({ replacements }) => replacements.filter(isPulled))
}
