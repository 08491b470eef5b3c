import { type Observation, observeAll } from '../../deploy/observe.ts'
import { planRollback } from '../../deploy/plan/rollback.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom, withServers } from '../gather.ts'
import { withHooks } from '../hooks.ts'
import { rehearse } from '../rehearse.ts'
import { confirmPlan, isAsked, release } from '../release.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  // The containers of the earlier release have their environment already: only the way to the servers is needed.
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])
  const planFrom = (observations: readonly Observation[]) => planRollback(config, selected, observations)

  if (context.options.flag('dry-run')) {
    return withServers(context, config, secrets, selected.servers, runners =>
      rehearse(context, config, secrets, runners, planFrom),
    )
  }
  await withHooks(context, config, selected, hooks =>
    withServers(context, config, secrets, selected.servers, async runners => {
      if (isAsked(context)) await confirmPlan(context, planFrom(await observeAll(config, runners, context.signal)))
      await release(context, { config, secrets, runners, hooks }, planFrom, async () => new Map())
    }),
  )
}
