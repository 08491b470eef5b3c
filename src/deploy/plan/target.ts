import type { Server } from '../../config/config.ts'
import { JijiError } from '../../errors.ts'
import type { ReleaseRecord } from '../../shell/records.ts'
import type { Observation } from '../observe.ts'
import { obstacleTo, type RollbackRequest } from './way-back.ts'

/** The one that is asked for, or the newest before the current one that can come back. */
export function targetOf(request: RollbackRequest, observation: Observation): ReleaseRecord {
  const { server, releases, current } = observation
  if (request.wanted !== undefined) return wantedOf(request.wanted, observation)
  const earlier = releases.filter(({ id }) => current !== undefined && id < current)
  const found = earlier.find(record => obstacleTo(request, observation, record) === undefined)
  if (found) return found
  throw new JijiError('rollback.nothing', `${server}: there is no release before the current one to go back to`, {
    server,
    hint:
      earlier.length > 0
        ? 'the containers of the earlier ones are gone; deploy that version again'
        : 'this was the first one there; -H chooses the servers that go back',
  })
}

function wantedOf(wanted: string, { server, releases, current }: Observation): ReleaseRecord {
  const matching = releases.filter(({ id, version }) => id === wanted || version === wanted)
  const found = matching.find(({ id }) => id !== current)
  if (found) return found
  const message = matching.length > 0 ? `${wanted} is the current release` : `there is no release ${wanted}`
  throw new JijiError('rollback.nothing', `${server}: ${message}`, {
    server,
    hint: 'jiji rollback --list shows which releases can be gone back to',
  })
}

type Target = { server: Server; target: ReleaseRecord }

export function disagreement({ wanted }: RollbackRequest, one: Target, other: Target): JijiError {
  const say = ({ server, target }: Target) => `${server.name} has ${target[wanted === undefined ? 'version' : 'id']}`
  const what = wanted === undefined ? 'the release before' : `which release is ${wanted}`
  return new JijiError('rollback.nothing', `the servers do not agree on ${what}: ${say(one)}, ${say(other)}`, {
    hint: wanted === undefined ? 'choose servers with --hosts' : 'name it by its id, or choose servers with --hosts',
  })
}
