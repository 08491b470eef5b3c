import type { Config, Service } from '../../config/config.ts'
import type { OwnCertificates } from '../../config/own-certificates.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import { heading, observationOf, type Plan, type ReplacementPlan, serverPlan } from './plan.ts'
import { proxyPlan } from './proxy.ts'
import { pruneOf } from './prune.ts'
import { replacementOf } from './replacement.ts'
import { checkRootless } from './rootless.ts'
import { withRounds } from './rounds.ts'
import { withOwners } from './sharing.ts'

type RestartRequest = {
  config: Config
  selected: Selected
  observations: readonly Observation[]
  release: string
  /** The services' own certificates. */
  certificates?: OwnCertificates
  /** How many replicas a service is to have, where that is to change. */
  replicas?: ReadonlyMap<string, number>
}

/**
 * New containers of the same images for what runs, with the configuration and the secrets of now. The release that
 * this makes stands in for the current one, so that a rollback still goes to the version before.
 * @throws JijiError nothing.running, engine.denied
 */
export function planRestart(request: RestartRequest): Plan {
  const { config, selected, observations, release, certificates, replicas } = request
  const servers = selected.servers.flatMap(server => {
    const observation = observationOf(observations, server)
    const own = selected.services.filter(service => service.servers.includes(server.name))
    const serviceOf = (name: string) => own.find(one => one.name === name)
    const each = own.flatMap(service => onceMore(config, service, observation, release, replicas))
    const replacements = withOwners(config, observation, each, { serviceOf, retire: [] })
    if (replacements.length === 0) return []
    const proxy = proxyPlan(config, server, { observation, replacements, retire: [], certificates })
    checkRootless(config, server, observation, own, proxy)
    return [
      {
        ...serverPlan(server, observation),
        ...proxy,
        replacements,
        retire: [],
        prune: pruneOf(config, observation, replacements, { isInstead: true }),
      },
    ]
  })
  const [first] = servers
  if (!first)
    throw new JijiError('nothing.running', 'none of the selected services runs anywhere', { hint: 'jiji deploy' })
  const version = first.from?.version ?? first.replacements[0]?.again?.version ?? ''
  const action = replicas ? 'scale' : 'restart'
  return withRounds(config, { ...heading(action, config, release, version), builds: [], servers })
}

function onceMore(
  config: Config,
  service: Service,
  observation: Observation,
  release: string,
  replicas: ReadonlyMap<string, number> | undefined,
): ReplacementPlan[] {
  const live = liveOf(observation, config.scope, service.name)
  if (!live.container) return []
  const { version, digest, image } = live.container
  const wanted = { ...service, replicas: replicas?.get(service.name) ?? live.replicas.length }
  const replacement = replacementOf(config, wanted, observation, release, version)
  return [{ ...replacement, image, again: { version, digest } }]
}
