import type { Config } from '../../config/config.ts'
import { type Observation, observeAll } from '../../deploy/observe.ts'
import { planTeardown } from '../../deploy/plan/teardown.ts'
import { findBelongings, tearAllDown } from '../../deploy/teardown.ts'
import { JijiError } from '../../errors.ts'
import { removeEmptyState } from '../../shell/teardown.ts'
import { renderTeardown } from '../../ui/removal.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { withServers } from '../servers.ts'
import { tend } from '../tend.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const isDryRun = options.flag('dry-run')
  if (!isDryRun) checkConfirmed(context, config)
  const secrets = await gatherKeys(context, config, selected.servers)

  await withServers(context, config, secrets, selected.servers, async runners => {
    const belongings = await findBelongings(config, runners, signal)
    const planFrom = (observations: readonly Observation[]) =>
      planTeardown(config, selected, observations, belongings, { isWithVolumes: options.flag('volumes') })
    if (isDryRun || !isConfirmed(context)) {
      const plan = planFrom(await observeAll(config, runners, signal))
      if (isDryRun) return output.style.json ? output.json(plan) : output.result(renderTeardown(plan))
      const typed = await output.ask(`Type ${config.scope} to take all of this away:`, renderTeardown(plan))
      if (typed !== config.scope) throw new JijiError('interrupted', 'nothing was changed')
    }
    const plan = await tend(context, config, runners, async tending => {
      const plan = planFrom(tending.observations)
      await tearAllDown(tending, plan)
      return plan
    })
    await Promise.allSettled([...runners.values()].map(runner => runner.run(removeEmptyState(config.scope))))
    if (output.style.json) output.json({ ...plan, result: 'done' })
    else output.result(`nothing of ${config.scope} is left on ${plan.servers.map(({ server }) => server).join(', ')}`)
  })
}

function isConfirmed({ options }: Context): boolean {
  return options.flag('yes') && options.text('confirm') !== undefined
}

/** Whoever cannot be asked has to name the project, so that a copied line does not take another one away. */
function checkConfirmed(context: Context, { scope }: Config): void {
  const { options, output } = context
  const named = options.text('confirm')
  if (named !== undefined && named !== scope)
    throw new JijiError('usage', `--confirm says ${named}, and this project is ${scope}`)
  if (isConfirmed(context) || output.isInteractive) return
  throw new JijiError('usage.needs-confirmation', `all of ${scope} would be taken away`, {
    hint: `add --yes --confirm ${scope}`,
  })
}
