import type { Config, Service } from '../../config/config.ts'
import { networkOwner } from '../../config/shared-network.ts'
import { JijiError } from '../../errors.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import { sharersOf } from '../recorded.ts'
import type { ReplacementPlan } from './plan.ts'

/**
 * Marks what goes together with the service whose network it shares. The rest must find a container to share that of.
 * @throws JijiError nothing.running where there is none, usage where something would be left without its network
 */
export function withOwners(
  config: Config,
  observation: Observation,
  replacements: readonly ReplacementPlan[],
  { serviceOf, retire }: { serviceOf: (name: string) => Service | undefined; retire: readonly string[] },
): ReplacementPlan[] {
  const isReplaced = (name: string) => replacements.some(({ service }) => service === name)
  for (const { service } of replacements) {
    const left = sharersOf({ config }, observation, service).find(
      one => !isReplaced(one.service.name) && !retire.includes(one.live.names[0] ?? ''),
    )
    if (left) throw leftWithout(observation.server, service, left.service.name)
  }
  return replacements.map(one => {
    const owner = networkOwner(serviceOf(one.service))
    if (owner === undefined) return one
    if (isReplaced(owner)) return { ...one, with: owner }
    const { replicas } = liveOf(observation, config.scope, owner)
    if (replicas.length === 1 && replicas[0]?.isRunning) return one
    throw nothingToJoin(observation.server, one.service, owner)
  })
}

export function leftWithout(server: string, owner: string, service: string): JijiError {
  return new JijiError('usage', `${server}: ${service} runs in the network of ${owner}, and would be left without it`, {
    server,
    hint: `name both of them: ${owner} and ${service}`,
  })
}

function nothingToJoin(server: string, service: string, owner: string): JijiError {
  const message = `${server}: ${service} shares the network of ${owner}, of which not one container runs there`
  return new JijiError('nothing.running', message, { server, hint: `deploy both: jiji deploy -S ${owner}` })
}
