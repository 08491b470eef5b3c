import { exchangeAll, findDetours } from '../deploy/exchange.ts'
import { type Observation, observeAll } from '../deploy/observe.ts'
import { type ExchangePlan, isChanged, planExchange } from '../deploy/plan/exchange.ts'
import { JijiError } from '../errors.ts'
import { renderExchange } from '../ui/exchange.ts'
import type { Context } from './context.ts'
import { loadProject, selectFrom } from './project.ts'
import { isAsked } from './release.ts'
import { gatherKeys } from './secrets.ts'
import { withServers } from './servers.ts'
import { tend } from './tend.ts'

/** Replaces proxies by new ones. Only where that makes a gap must it be confirmed without a terminal. */
export async function exchange(context: Context, action: ExchangePlan['action']): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const secrets = await gatherKeys(context, config, selected.servers)

  await withServers(context, config, secrets, selected.servers, async runners => {
    const detours = await findDetours(config, runners, signal)
    const planFrom = (observations: readonly Observation[]) =>
      planExchange(action, config, selected, observations, detours)
    const plan = planFrom(await observeAll(config, runners, signal))
    if (options.flag('dry-run')) return output.style.json ? output.json(plan) : output.result(renderExchange(plan))
    await confirm(context, plan)
    const already = await tend(context, config, runners, tending =>
      exchangeAll(tending, planFrom(tending.observations)),
    )
    const done = plan.servers.map(({ server }) => server).filter(server => !already.includes(server))
    if (output.style.json) output.json({ ...plan, exchanged: done, result: 'done' })
    else output.result(done.length > 0 ? `the proxies on ${done.join(', ')} are new` : 'all proxies run as they should')
    const shared = plan.servers.filter(isChanged).flatMap(({ projects }) => projects)
    const others = [...new Set(shared)].filter(project => project !== config.scope)
    if (others.length > 0)
      output.warn(`give \`proxy\` the same image and ports in ${others.join(', ')}, before they deploy`)
  })
}

async function confirm(context: Context, plan: ExchangePlan): Promise<void> {
  const { output, options } = context
  const gaps = plan.servers.filter(({ hasGap }) => hasGap).map(({ server }) => server)
  const what = `for about a second nothing would answer on ${gaps.join(', ')}`
  const why = "going without a gap takes root, iptables, and an engine that is root's"
  if (!isAsked(context)) {
    if (gaps.length === 0 || options.flag('yes')) return
    throw new JijiError('usage.needs-confirmation', what, { hint: `add --yes; ${why}` })
  }
  if (gaps.length === 0) return output.confirm(renderExchange(plan), 'yes')
  return output.confirm(`${renderExchange(plan)}\n${what}: ${why}`, 'no')
}
