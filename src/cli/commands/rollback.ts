import { type Observation, observeAll } from '../../deploy/observe.ts'
import { planRollback } from '../../deploy/plan/rollback.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom } from '../gather.ts'
import { withHooks } from '../hooks.ts'
import { namingSkipped, type Reached, withReached } from '../reached.ts'
import { rehearse } from '../rehearse.ts'
import { confirmPlan, isAsked, release } from '../release.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  // The containers of the earlier release have their environment already: only the way to the servers is needed.
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])
  const planner = (reached: Reached) => (observations: readonly Observation[]) =>
    namingSkipped(planRollback(config, reached.selected, observations), reached)

  if (context.options.flag('dry-run')) {
    return withReached(context, config, secrets, selected, reached =>
      rehearse(context, config, secrets, reached.runners, planner(reached)),
    )
  }
  await withHooks(context, config, selected, hooks =>
    withReached(context, config, secrets, selected, async reached => {
      const { runners } = reached
      const planFrom = planner(reached)
      if (isAsked(context)) await confirmPlan(context, planFrom(await observeAll(config, runners, context.signal)))
      await release(context, { config, secrets, runners, hooks }, planFrom, async () => new Map())
    }),
  )
}
