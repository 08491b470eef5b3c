import type { Config } from '../../config/config.ts'
import { countOf } from '../../config/share.ts'
import type { Plan, Rollout, ServerPlan } from './plan.ts'

/**
 * Adds how a plan is rolled out. In the first round each service is replaced on the first of its servers alone; in each
 * that follows, on as many more at once as `deploy.parallel` says. So a release is proven as a whole, its services in their
 * order, before any of them is on a second server.
 */
export function withRounds(config: Pick<Config, 'deploy' | 'services'>, plan: Omit<Plan, 'rollout'>): Plan {
  const { parallel, wait, on_failure } = config.deploy
  // Going back, the steps are taken back, the last one first, and nobody who is on call is kept waiting.
  const isBack = plan.action === 'rollback'
  const names = inOrder(config)
  const batches = (isBack ? names.toReversed() : names).map(service => {
    const [first, ...others] = serversWith(plan.servers, service)
    if (first === undefined) return { service, batches: [] }
    return { service, batches: [[first], ...chunks(others, countOf(parallel, others.length + 1))] }
  })
  const length = Math.max(0, ...batches.map(one => one.batches.length))
  const rounds = Array.from({ length }, (_, index) =>
    batches.flatMap(({ service, batches }) => {
      const servers = batches[index]
      return servers ? [{ service, servers }] : []
    }),
  )
  return { ...plan, rollout: { rounds, wait: isBack ? 0 : wait, onFailure: on_failure } }
}

/** The names of the services: first those of `deploy.order`, then the others as they are written down. */
export function inOrder({ deploy: { order }, services }: Pick<Config, 'deploy' | 'services'>): string[] {
  return [...order, ...services.map(({ name }) => name).filter(name => !order.includes(name))]
}

/** The servers of a round, each of them once. */
export function describeRound(round: Rollout['rounds'][number]): string {
  return nameSome([...new Set(round.flatMap(one => one.servers))])
}

/** Not more of them than one cares to read. */
export function nameSome(servers: readonly string[]): string {
  return servers.length > 6 ? `${servers.slice(0, 5).join(', ')} and ${servers.length - 5} more` : servers.join(', ')
}

function serversWith(servers: readonly ServerPlan[], service: string): string[] {
  return servers
    .filter(({ replacements }) => replacements.some(one => one.service === service && !one.with))
    .map(one => one.server)
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}
