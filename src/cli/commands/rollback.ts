import { type Observation, observeAll } from '../../deploy/observe.ts'
import { planRollback } from '../../deploy/plan.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom, withServers } from '../gather.ts'
import { confirmPlan, isAsked, release, showPlan } from '../release.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  // The containers of the earlier release have their environment already: only the way to the servers is needed.
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])
  const planFrom = (observations: readonly Observation[]) => planRollback(config, selected, observations)

  await withServers(context, config, secrets, selected.servers, async runners => {
    const isDryRun = context.options.flag('dry-run')
    if (isDryRun || isAsked(context)) {
      const plan = planFrom(await observeAll(config, runners, context.signal))
      if (isDryRun) return showPlan(context, plan)
      await confirmPlan(context, plan)
    }
    await release(context, config, secrets, runners, planFrom, async () => new Map())
  })
}
