import { JijiError } from '../errors.ts'
import type { ApplyContext } from './apply-context.ts'
import { runnerOf } from './losses.ts'
import { type Observation, observeServer } from './observe.ts'
import type { Plan, ServerPlan } from './plan/plan.ts'
import { type ServiceStatus, statusOf } from './status.ts'

/**
 * What serves now where a plan was to change something. The servers are asked: after a failure nothing that happened to
 * them can be taken for granted.
 */
export async function whatServes(context: ApplyContext, { servers }: Plan): Promise<ServiceStatus[]> {
  const { config } = context
  const observations: Observation[] = []
  const failures = new Map<string, JijiError>()
  const ask = async ({ server, engine }: ServerPlan) => {
    try {
      observations.push(await observeServer(runnerOf(context, server), engine, config.scope))
    } catch (error) {
      if (!(error instanceof JijiError)) throw error
      failures.set(server, error)
    }
  }
  await Promise.all(servers.map(ask))
  const isMeant = (service: string) => (server: ServerPlan) => server.replacements.some(one => one.service === service)
  const services = config.services.map(service => ({
    ...service,
    servers: servers.filter(isMeant(service.name)).map(({ server }) => server),
  }))
  return statusOf(config, { servers: config.servers, services }, { observations, failures })
}
