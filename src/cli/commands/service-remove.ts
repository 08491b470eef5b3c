import { select } from '../../config/select.ts'
import { type Observation, observeAll } from '../../deploy/observe.ts'
import { planRemove } from '../../deploy/plan/remove.ts'
import { removeAll } from '../../deploy/remove.ts'
import { renderRemoval } from '../../ui/removal.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { withServers } from '../servers.ts'
import { confirmRemoval, tend } from '../tend.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, args, signal } = context
  const config = loadProject(context)
  const selected = select(config, { hosts: options.list('hosts'), services: args })
  const isWithVolumes = options.flag('volumes')
  const secrets = await gatherKeys(context, config, selected.servers)
  const planFrom = (observations: readonly Observation[]) =>
    planRemove(config, selected, observations, { isWithVolumes })
  const names = selected.services.map(({ name }) => name).join(', ')

  await withServers(context, config, secrets, selected.servers, async runners => {
    if (options.flag('dry-run') || !options.flag('yes')) {
      const plan = planFrom(await observeAll(config, runners, signal))
      if (options.flag('dry-run')) return output.style.json ? output.json(plan) : output.result(renderRemoval(plan))
      await confirmRemoval(context, renderRemoval(plan), `${names} would be removed`)
    }
    const plan = await tend(context, config, runners, async tending => {
      const plan = planFrom(tending.observations)
      await removeAll(tending, plan)
      return plan
    })
    if (output.style.json) output.json({ ...plan, result: 'done' })
    else output.result(`removed ${names} from ${plan.servers.map(({ server }) => server).join(', ')}`)
    output.note('the next deploy starts again what deploy.yml still has')
  })
}
