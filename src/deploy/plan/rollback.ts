import type { Config, Service } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import { otherSlot } from '../../shell/names.ts'
import { type RecordedService, type ReleaseRecord, recordedNames } from '../../shell/records.ts'
import { liveOf } from '../live.ts'
import type { Observation } from '../observe.ts'
import { heading, observationOf, type Plan, type ReplacementPlan, serverPlan } from './plan.ts'
import { proxyPlan } from './proxy.ts'
import { liveIn } from './replacement.ts'
import { withRounds } from './rounds.ts'

/** @throws JijiError rollback.nothing when a server has no earlier release whose containers are all still there */
export function planRollback(config: Config, selected: Selected, observations: readonly Observation[]): Plan {
  const servers = selected.servers.filter(({ name }) => selected.services.some(one => one.servers.includes(name)))
  const targets = servers.map(server => {
    const observation = observationOf(observations, server)
    return { server, observation, target: releaseBefore(observation) }
  })
  const [first] = targets
  if (!first) throw new JijiError('rollback.nothing', 'there is no server to roll back')
  const differing = targets.find(({ target }) => target.id !== first.target.id)
  if (differing) {
    throw new JijiError(
      'rollback.nothing',
      `the servers do not agree on the release before: ${first.server.name} has ${first.target.version}, ${differing.server.name} has ${differing.target.version}`,
      {
        hint: 'choose servers with --hosts',
      },
    )
  }
  const { id, version } = first.target
  return withRounds(config, {
    ...heading('rollback', config, id, version),
    builds: [],
    servers: targets.map(({ server, observation, target }) => {
      const replacements = selected.services
        .filter(service => service.servers.includes(server.name) && target.services[service.name])
        .flatMap(service => restartOf(config, service, observation, target))
      return {
        ...serverPlan(server, observation),
        ...proxyPlan(config, server, observation, replacements),
        replacements,
        retire: [],
        prune: { containers: [], images: [], releases: [], keep: [] },
      }
    }),
  })
}

/** The newest release before the current one that this server still has every container of. */
function releaseBefore({ server, releases, current, containers }: Observation): ReleaseRecord {
  const names = new Set(containers.map(({ name }) => name))
  const earlier = releases.filter(({ id }) => current !== undefined && id < current)
  const isThere = (service: RecordedService) => recordedNames(service).every(name => names.has(name))
  const found = earlier.find(({ services }) => Object.values(services).every(isThere))
  if (found) return found
  throw new JijiError('rollback.nothing', `${server}: there is no release before the current one to go back to`, {
    server,
    hint:
      earlier.length > 0
        ? 'the containers of the earlier ones are gone; deploy that version again'
        : 'this was the first one',
  })
}

function restartOf(
  config: Config,
  service: Service,
  observation: Observation,
  target: ReleaseRecord,
): ReplacementPlan[] {
  const live = liveOf(observation, config.scope, service.name)
  const recorded = target.services[service.name]
  const wanted = observation.containers.find(({ name }) => name === recorded?.container)
  if (!recorded || !wanted || wanted.name === live.container?.name) return []
  return [
    {
      service: service.name,
      image: wanted.image,
      candidate: {
        names: recordedNames(recorded),
        slot: live.slot ? otherSlot(live.slot) : wanted.slot,
        isNew: false,
        ...(wanted.port ? { port: wanted.port } : {}),
      },
      ...liveIn(live),
      leftovers: { remove: [], stop: [] },
    },
  ]
}
