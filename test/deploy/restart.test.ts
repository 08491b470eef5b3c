import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { select } from '../../src/config/select.ts'
import { liveOf } from '../../src/deploy/live.ts'
import type { Observation } from '../../src/deploy/observe.ts'
import { planRestart } from '../../src/deploy/plan/restart.ts'
import { planRollback } from '../../src/deploy/plan/rollback.ts'
import { containerName, replicaNames } from '../../src/shell/names.ts'
import { configOf } from '../config/deploy-yml.ts'
import { config, observed, planFor, twoServers } from './world.ts'

const three = configOf(twoServers.replace('    hosts: [web1, web2]', '    replicas: 3\n    hosts: [web1, web2]'))
const web = (release: string, replica: number, over: { isRunning?: boolean; slot?: 'a' | 'b' } = {}) => ({
  service: 'web',
  release,
  replica,
  name: replicaNames(containerName('app', 'web', release), replica).at(-1) ?? '',
  hosts: 'app.example.com',
  ...over,
})
const worker = { service: 'worker', release: 'r1' }

/** Two replicas of r2 run in slot b; r1, of three, can be gone back to. */
const situation: Parameters<typeof observed>[0] & object = {
  containers: [
    ...[1, 2, 3].map(replica => web('r1', replica, { isRunning: false })),
    ...[2, 1].map(replica => web('r2', replica, { slot: 'b' })),
    worker,
  ],
  releases: {
    r1: { web: 'app-web-r1', worker: 'app-worker-r1' },
    r2: { web: 'app-web-r2', worker: 'app-worker-r1' },
  },
  current: 'r2',
  live: ['web'],
  sites: [{ project: 'app', hosts: ['app.example.com'], services: ['web'], certificates: {}, hash: 'of other routes' }],
}
const observation = counted(observed(situation), { r1: 3, r2: 2 })

/** The number of replicas that each release has on record for `web`. */
function counted(one: Observation, replicas: Record<string, number>): Observation {
  const releases = one.releases.map(release => ({
    ...release,
    services: Object.fromEntries(
      Object.entries(release.services).map(([name, service]) => [
        name,
        name === 'web' ? { ...service, replicas: replicas[release.id] ?? 1 } : service,
      ]),
    ),
  }))
  return { ...one, releases }
}

const onWeb1 = { selection: { hosts: ['web1'] } }
const restartOf = (request: Partial<Parameters<typeof planRestart>[0]> = {}, of: Config = config) =>
  planRestart({
    config: of,
    selected: select(of, { hosts: ['web1'] }),
    observations: [observation],
    release: 'r9',
    ...request,
  })

describe('a deploy of a service with replicas', () => {
  const [server] = planFor(three, [observation], onWeb1).servers
  const [replacement] = server?.replacements ?? []

  test('puts as many new containers beside the old ones', () => {
    expect(replacement?.live?.names).toEqual(['app-web-r2', 'app-web-r2-2'])
    expect(replacement?.candidate.names).toEqual(['app-web-r9', 'app-web-r9-2', 'app-web-r9-3'])
  })
  test('has a route to each, and in the old slot to those that stand there', () => {
    expect(server?.site?.text).toContain('reverse_proxy app-web-a:3000 app-web-a-2:3000 app-web-a-3:3000 {')
    expect(server?.site?.text).toContain('lb_policy least_conn')
    const old = liveOf(observation, 'app', 'web').replicas.map(one => ({ ...one, ports: [3000] }))
    const others = observation.containers.filter(({ name }) => !old.some(one => one.name === name))
    const [again] = planFor(three, [{ ...observation, containers: [...others, ...old] }], onWeb1).servers
    expect(again?.site?.text).toContain('reverse_proxy app-web-b:3000 app-web-b-2:3000 {')
  })
  test('keeps what a rollback needs, all replicas of it', () => {
    expect(server?.prune.containers).toEqual([])
    expect(replacement?.leftovers).toEqual({ remove: [], stop: [] })
  })
  test('takes one away that no release knows', () => {
    const more = observed({ ...situation, containers: [...(situation.containers ?? []), web('r2', 7, { slot: 'a' })] })
    const [other] = planFor(three, [counted(more, { r1: 3, r2: 2 })], onWeb1).servers
    expect(other?.replacements[0]?.leftovers.remove).toEqual(['app-web-r2-7'])
  })
})

describe('a rollback', () => {
  const selected = select(config, { hosts: ['web1'], services: ['web'] })

  test('starts as many as there were', () => {
    const [server] = planRollback({ config, selected, observations: [observation], isPartial: true }).servers
    expect(server?.replacements[0]).toMatchObject({
      candidate: { names: ['app-web-r1', 'app-web-r1-2', 'app-web-r1-3'], slot: 'a' },
      live: { names: ['app-web-r2', 'app-web-r2-2'], slot: 'b' },
    })
  })
  test('needs all of them', () => {
    const containers = observation.containers.filter(({ name }) => name !== 'app-web-r1-2')
    expect(() =>
      planRollback({ config, selected, observations: [{ ...observation, containers }], isPartial: true }),
    ).toThrow('no release before')
  })
})

describe('a restart', () => {
  test('replaces what runs by as many of the same version and image', () => {
    const plan = restartOf()
    expect(plan).toMatchObject({ action: 'restart', version: 'r2', release: 'r9', builds: [] })
    expect(plan.servers[0]?.replacements).toMatchObject([
      {
        service: 'web',
        image: 'web:r2',
        candidate: { names: ['app-web-r9', 'app-web-r9-2'], slot: 'a', isNew: true },
        again: { version: 'r2', digest: 'sha256:0' },
      },
      { service: 'worker', image: 'worker:r1', again: { version: 'r1' } },
    ])
  })
  test('stands in for the release that ran, and keeps the one before', () => {
    expect(restartOf().servers[0]?.prune).toMatchObject({
      releases: ['r2'],
      containers: expect.arrayContaining(['app-web-r2', 'app-web-r2-2']),
    })
    expect(restartOf().servers[0]?.prune.containers).not.toContain('app-web-r1')
  })
  test('of one service leaves the others as they are', () => {
    const selected = select(config, { hosts: ['web1'], services: ['web'] })
    const [server] = restartOf({ selected }).servers
    expect(server?.replacements.map(({ service }) => service)).toEqual(['web'])
    expect(server?.prune.containers).not.toContain('app-worker-r1')
  })
  test('leaves out servers where nothing runs, and says so when nothing does anywhere', () => {
    const selected = select(config, {})
    const nothing = observed({ server: 'web2' })
    expect(restartOf({ selected, observations: [observation, nothing] }).servers).toHaveLength(1)
    expect(() => restartOf({ selected, observations: [observed({}), nothing] })).toThrow('runs anywhere')
  })
  test('scales', () => {
    const plan = restartOf({ replicas: new Map([['web', 4]]) })
    expect(plan.action).toBe('scale')
    expect(plan.servers[0]?.replacements[0]?.candidate.names).toHaveLength(4)
    expect(plan.servers[0]?.site?.text).toContain('app-web-a-4:3000')
  })
})

test('the live container of several is the first, also when that one has ended', () => {
  const containers = [web('r2', 1, { slot: 'b', isRunning: false }), web('r2', 2, { slot: 'b' })]
  const live = liveOf(observed({ ...situation, containers }), 'app', 'web')
  expect(live.replicas.map(({ name }) => name)).toEqual(['app-web-r2', 'app-web-r2-2'])
  expect(live.container?.name).toBe('app-web-r2')
})
