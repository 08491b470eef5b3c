import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { select } from '../../src/config/select.ts'
import { liveOf } from '../../src/deploy/live.ts'
import { buildsOf, imagesOf } from '../../src/deploy/plan/builds.ts'
import { nextRelease } from '../../src/deploy/plan/release-id.ts'
import { planRollback } from '../../src/deploy/plan/rollback.ts'
import { digestsOf } from '../../src/deploy/pull.ts'
import { statusOf } from '../../src/deploy/status.ts'
import { JijiError } from '../../src/errors.ts'
import { questionsFor } from '../../src/shell/health.ts'
import { renderPlan } from '../../src/ui/plan.ts'
import { configOf } from '../config/deploy-yml.ts'
import { config, observed, planFor, serviceIn, siteOf, twoServers } from './world.ts'

const site = siteOf(config)
const fresh = (server: string) => observed({ server, proxy: undefined })

/** web1 after releases r1 and r2, of which r2 serves from slot b. */
const second = observed({
  containers: [
    { service: 'web', release: 'r1', slot: 'a', isRunning: false, hosts: 'app.example.com' },
    { service: 'web', release: 'r2', slot: 'b', hosts: 'app.example.com' },
    { service: 'worker', release: 'r1', slot: 'a', isRunning: false },
    { service: 'worker', release: 'r2', slot: 'b' },
  ],
  releases: {
    r1: { web: 'app-web-r1', worker: 'app-worker-r1' },
    r2: { web: 'app-web-r2', worker: 'app-worker-r2' },
  },
  current: 'r2',
  live: ['web'],
  sites: [site],
})
const onWeb1 = { selection: { hosts: ['web1'] } }

describe('which container is live', () => {
  const one = (release: string, slot: 'a' | 'b', isRunning = true) =>
    ({ service: 'web', release, slot, isRunning, hosts: 'app.example.com' }) as const
  const two = { r1: { web: 'app-web-r1' }, r2: { web: 'app-web-r2' } }

  test.each<[string, Parameters<typeof observed>[0], string | undefined, string | undefined]>([
    ['nothing was ever deployed', {}, undefined, undefined],
    [
      'the marker says a',
      { containers: [one('r1', 'b', false), one('r2', 'a')], releases: two, current: 'r2' },
      'app-web-r2',
      'a',
    ],
    [
      'the marker says b',
      { containers: [one('r1', 'a', false), one('r2', 'b')], releases: two, current: 'r2', live: ['web'] },
      'app-web-r2',
      'b',
    ],
    [
      'it was switched, and cut off before it was recorded',
      {
        containers: [one('r1', 'a'), one('r2', 'b')],
        releases: { r1: { web: 'app-web-r1' } },
        current: 'r1',
        live: ['web'],
      },
      'app-web-r2',
      'b',
    ],
    [
      'a candidate stands beside it, and nothing was switched yet',
      { containers: [one('r1', 'a'), one('r2', 'b')], releases: { r1: { web: 'app-web-r1' } }, current: 'r1' },
      'app-web-r1',
      'a',
    ],
    [
      'it has crashed, and its record knows it',
      { containers: [one('r1', 'a', false)], releases: { r1: { web: 'app-web-r1' } }, current: 'r1' },
      'app-web-r1',
      'a',
    ],
    ['somebody removed it', { containers: [one('r1', 'b', false)], releases: two, current: 'r2' }, undefined, 'a'],
    [
      'the record names the one in the other slot',
      { containers: [one('r1', 'b'), one('r2', 'a')], releases: { r1: { web: 'app-web-r1' } }, current: 'r1' },
      'app-web-r2',
      'a',
    ],
  ])('when %s', (_, situation, name, slot) => {
    const live = liveOf(observed({ sites: [site], ...situation }), 'app', 'web')
    expect([live.container?.name, live.slot]).toEqual([name, slot])
  })

  test('without a proxy the record decides, then what runs, then what the record knew', () => {
    const worker = (release: string, isRunning: boolean) => ({ service: 'worker', release, isRunning }) as const
    const releases = { r1: { worker: 'app-worker-r1' }, r2: { worker: 'app-worker-r2' } }
    const nameIn = (...containers: ReturnType<typeof worker>[]) =>
      liveOf(observed({ containers, releases, current: 'r1' }), 'app', 'worker').container?.name
    expect(nameIn(worker('r1', true), worker('r2', true))).toBe('app-worker-r1')
    expect(nameIn(worker('r1', false), worker('r2', true))).toBe('app-worker-r2')
    expect(nameIn(worker('r1', false), worker('r2', false))).toBe('app-worker-r1')
    expect(nameIn(worker('r2', false))).toBeUndefined()
  })
  test('of a service that had routes once, the marker does not count any more', () => {
    const containers = [
      { service: 'web', release: 'r1', slot: 'a', isRunning: false, hosts: 'app.example.com' },
      { service: 'web', release: 'r2', slot: 'b' },
    ] as const
    for (const hosts of [[], ['api.example.com']]) {
      const sites = [{ ...site, hosts }]
      const live = liveOf(observed({ containers, releases: two, current: 'r2', sites }), 'app', 'web')
      expect([live.container?.name, live.slot]).toEqual(['app-web-r2', 'b'])
    }
  })
  test('a container of another project or service is none of ours', () => {
    const containers = [
      { service: 'web', project: 'other', release: 'r3' },
      { service: 'webx', release: 'r3' },
    ]
    expect(liveOf(observed({ containers }), 'app', 'web').container).toBeUndefined()
  })
})

describe('a first deploy', () => {
  const plan = planFor(config, [fresh('web1'), fresh('web2')])

  test('starts the proxy where it is needed, and everything in slot a', () => {
    expect(plan).toMatchObject({
      schemaVersion: 1,
      action: 'deploy',
      project: 'app',
      release: 'r9',
      version: '9',
      builds: [],
    })
    expect(plan).not.toHaveProperty('environment')
    expect(plan.servers.map(({ server, proxy, site }) => [server, proxy, site?.hosts])).toEqual([
      ['web1', 'start', ['app.example.com']],
      ['web2', 'start', ['app.example.com']],
    ])
    expect(plan.servers[0]?.replacements).toEqual([
      {
        service: 'web',
        image: 'web',
        candidate: { names: ['app-web-r9'], slot: 'a', isNew: true, ports: [3000] },
        leftovers: { remove: [], stop: [] },
      },
      {
        service: 'worker',
        image: 'worker',
        candidate: { names: ['app-worker-r9'], slot: 'a', isNew: true },
        leftovers: { remove: [], stop: [] },
      },
    ])
    expect(plan.servers[0]).not.toHaveProperty('from')
    expect(plan.servers[1]?.replacements.map(({ service }) => service)).toEqual(['web'])
  })
  test('names the seed of a server, if the configuration does and it has something to hand on', () => {
    const seeded = configOf(`project: app
builder: {registry: {type: local}}
servers: {web1: {host: a}, web2: {host: b, seed: web1}, web3: {host: c, seed: web2}, web4: {host: d, seed: false}}
services:
  web: {build: {}, hosts: [web1, web2, web4]}
  db: {image: redis, hosts: [web2, web3]}
`)
    const seeds = (selection = {}) => {
      const observations = ['web1', 'web2', 'web3', 'web4'].map(fresh)
      return planFor(seeded, observations, { selection }).servers.flatMap(({ server, seed }) =>
        seed ? [`${server} from ${seed}`] : [],
      )
    }
    expect(seeds()).toEqual(['web2 from web1'])
    expect(seeds({ hosts: ['web2'] })).toEqual([])
  })
  test('needs no proxy for services without one', () => {
    const [server] = planFor(configOf(twoServers.replace(/ {4}proxy:.*\n/, '')), [fresh('web1'), fresh('web2')]).servers
    expect(server).toMatchObject({ proxy: 'none' })
    expect(server).not.toHaveProperty('site')
  })
})

describe('the next deploy', () => {
  const [server] = planFor(config, [second], onWeb1).servers

  test('goes to the other slot, and leaves the routes as they are', () => {
    expect(server).toMatchObject({ from: { release: 'r2', version: 'r2' }, proxy: 'runs' })
    expect(server).not.toHaveProperty('site')
    expect(
      server?.replacements.map(({ candidate, live }) => [
        live?.names[0],
        live?.slot,
        candidate.names[0],
        candidate.slot,
      ]),
    ).toEqual([
      ['app-web-r2', 'b', 'app-web-r9', 'a'],
      ['app-worker-r2', 'b', 'app-worker-r9', 'a'],
    ])
  })
  test('alternates between the slots', () => {
    const slots = ['a', 'b'].map(slot => {
      const live = slot === 'b' ? ['web'] : []
      const containers = [{ service: 'web', release: 'r1', slot: slot as 'a' | 'b', hosts: 'app.example.com' }]
      const observation = observed({
        containers,
        live,
        sites: [site],
        current: 'r1',
        releases: { r1: { web: 'app-web-r1' } },
      })
      return planFor(config, [observation], onWeb1).servers[0]?.replacements[0]?.candidate.slot
    })
    expect(slots).toEqual(['b', 'a'])
  })
  test('writes the routes when they have changed', () => {
    const changed = configOf(twoServers.replace('app.example.com', 'new.example.com'))
    expect(planFor(changed, [second], onWeb1).servers[0]?.site?.hosts).toEqual(['new.example.com'])
  })
  test('of one service carries the routes of the others', () => {
    const more = configOf(
      `${twoServers}  api: {image: api, hosts: [web1], proxy: {app_port: 1, hosts: [api.example.com]}}\n`,
    )
    const [only] = planFor(more, [second], { selection: { hosts: ['web1'], services: ['worker'] } }).servers
    expect(only?.site?.hosts).toEqual(['app.example.com', 'api.example.com'])
    expect(only?.replacements.map(({ service }) => service)).toEqual(['worker'])
  })
  test('without the last of its routes takes them away, once', () => {
    const plain = configOf(twoServers.replace(/ {4}proxy:.*\n/, ''))
    const [only] = planFor(plain, [second], onWeb1).servers
    expect(only).toMatchObject({ proxy: 'runs', site: { project: 'app', hosts: [] } })
    expect(planFor(plain, [{ ...second, sites: [{ ...site, hosts: [] }] }], onWeb1).servers[0]).toMatchObject({
      proxy: 'none',
    })
  })
  test('of an environment names it in everything', () => {
    const staging = configOf(twoServers, 'ssh: {user: a}')
    const plan = planFor(staging, [fresh('web1')], onWeb1)
    expect(plan).toMatchObject({ project: 'app', environment: 'staging' })
    expect(plan.servers[0]?.replacements[0]?.candidate.names[0]).toBe('app-staging-web-r9')
    expect(plan.servers[0]?.site?.project).toBe('app-staging')
  })
})

describe('what a deploy that was cut off has left', () => {
  const releases = { r1: { web: 'app-web-r1' } }
  const leftovers = (...containers: NonNullable<Parameters<typeof observed>[0]>['containers'] & object) =>
    planFor(config, [observed({ containers, releases, current: 'r1', sites: [site] })], {
      selection: { hosts: ['web1'], services: ['web'] },
    }).servers[0]?.replacements[0]?.leftovers
  const web = (release: string, slot: 'a' | 'b', isRunning: boolean) =>
    ({ service: 'web', release, slot, isRunning, hosts: 'app.example.com' }) as const

  test.each<[string, ReturnType<typeof web>[], object]>([
    ['nothing', [web('r1', 'a', true)], { remove: [], stop: [] }],
    [
      'a candidate that no release knows goes',
      [web('r1', 'a', true), web('r2', 'b', true)],
      { remove: ['app-web-r2'], stop: [] },
    ],
    [
      'also one that never started',
      [web('r1', 'a', true), web('r2', 'b', false)],
      { remove: ['app-web-r2'], stop: [] },
    ],
  ])('%s', (_, containers, expected) => expect(leftovers(...containers)).toEqual(expected))

  test('one that a release knows and that should not run is stopped', () => {
    const observation = observed({
      containers: [web('r1', 'b', true), web('r2', 'a', true)],
      releases: { ...releases, r2: { web: 'app-web-r2' } },
      current: 'r2',
      sites: [site],
    })
    expect(planFor(config, [observation], onWeb1).servers[0]?.replacements[0]?.leftovers).toEqual({
      remove: [],
      stop: ['app-web-r1'],
    })
  })
  test("another project's are left alone", () => {
    expect(leftovers(web('r1', 'a', true), { ...web('r7', 'b', true), project: 'other' } as never)).toEqual({
      remove: [],
      stop: [],
    })
  })
})

describe('what is pruned', () => {
  const ids = ['r1', 'r2', 'r3', 'r4']
  const many = (current = 'r4') =>
    observed({
      containers: ids.map(release => ({
        service: 'web',
        release,
        slot: 'a' as const,
        isRunning: release === current,
        hosts: 'app.example.com',
      })),
      releases: Object.fromEntries(ids.map(id => [id, { web: `app-web-${id}` }])),
      current,
      sites: [site],
    })
  const pruned = (retain: number, observation = many()) =>
    planFor(configOf(`${twoServers}deploy: {retain: ${retain}}`), [observation], {
      selection: { hosts: ['web1'], services: ['web'] },
    }).servers[0]?.prune

  test.each<[number, string[], string[]]>([
    [5, [], []],
    [4, ['app-web-r1'], ['r1']],
    [3, ['app-web-r1', 'app-web-r2'], ['r2', 'r1']],
    [2, ['app-web-r1', 'app-web-r2', 'app-web-r3'], ['r3', 'r2', 'r1']],
    [1, ['app-web-r1', 'app-web-r2', 'app-web-r3', 'app-web-r4'], ['r4', 'r3', 'r2', 'r1']],
  ])('to keep %i', (retain, containers, releases) => {
    expect(pruned(retain)).toMatchObject({
      containers,
      releases,
      images: containers.map(name => `web:${name.slice(8)}`),
    })
  })
  test('a release that was rolled back is no way back any more', () => {
    expect(pruned(5, many('r2'))).toMatchObject({ containers: ['app-web-r3', 'app-web-r4'], releases: ['r4', 'r3'] })
  })
  test('an image that another container runs stays', () => {
    const containers = ids.map(release => ({
      service: 'web',
      release,
      image: 'web:same',
      isRunning: release === 'r4',
      hosts: 'app.example.com',
    }))
    const observation = observed({
      containers,
      releases: Object.fromEntries(ids.map(id => [id, { web: `app-web-${id}` }])),
      current: 'r4',
      sites: [site],
    })
    expect(pruned(2, observation)).toMatchObject({ images: [] })
    expect(pruned(2, observation)?.keep).toContain('web:same')
  })
  test('a service that is not deployed now keeps its container, however old', () => {
    const observation = observed({
      containers: [
        { service: 'worker', release: 'r1' },
        ...ids.map(release => ({ service: 'web', release, isRunning: release === 'r4', hosts: 'app.example.com' })),
      ],
      releases: Object.fromEntries(ids.map(id => [id, { web: `app-web-${id}`, worker: 'app-worker-r1' }])),
      current: 'r4',
      sites: [site],
    })
    expect(pruned(1, observation)?.containers).not.toContain('app-worker-r1')
  })
  test('a service that is gone from the configuration is stopped', () => {
    const observation = observed({
      containers: [{ service: 'cron', release: 'r1' }],
      releases: { r1: { cron: 'app-cron-r1' } },
    })
    expect(planFor(config, [observation], onWeb1).servers[0]?.retire).toEqual(['app-cron-r1'])
  })
})

describe('a deploy is refused', () => {
  test('when another project has the names that its containers and volumes would get', () => {
    const colliding = configOf(twoServers.replace('project: app', 'project: app-api'))
    const other = (service: string) => observed({ containers: [{ service, project: 'app', release: 'r1' }] })
    const going = (service: string) => () => planFor(colliding, [other(service)], onWeb1)
    expect(going('api-web')).toThrow(
      'web1: web of app-api and api-web of app would have the same names there: app-api-web',
    )
    expect(going('web')).not.toThrow()
  })
  test('when another project owns the host name', () => {
    const other = { ...site, project: 'shop', hosts: ['x.example.com', 'app.example.com'] }
    expect(() => planFor(config, [observed({ sites: [other] })], onWeb1)).toThrow(
      expect.objectContaining({
        code: 'route.taken',
        message: 'web1: app.example.com belongs to the project shop',
        server: 'web1',
      }),
    )
  })
  test('in whatever case it is written', () => {
    const other = { ...site, project: 'shop' }
    const shouting = configOf(twoServers.replace('app.example.com', 'APP.Example.com'))
    expect(() => planFor(shouting, [observed({ sites: [other] })], onWeb1)).toThrow(/belongs to the project shop/)
  })
  test('when the proxy there runs with other settings', () => {
    expect(() => planFor(config, [observed({ proxy: 'caddy:2 8080 443' })], onWeb1)).toThrow(
      expect.objectContaining({
        message: 'web1: the proxy runs with other settings: caddy:2 8080 443 instead of caddy:2 80 443',
      }),
    )
  })
  test('when what is built would not run there', () => {
    const built = configOf(twoServers.replace('image: worker', 'build: {}'))
    expect(() => planFor(built, [observed({ arch: 'linux/arm64' })], onWeb1)).toThrow(
      expect.objectContaining({ code: 'config.invalid', hint: 'write servers.web1.arch: arm64' }),
    )
    expect(planFor(built, [observed({ arch: 'linux/amd64' })], onWeb1).servers).toHaveLength(1)
  })
})

describe('what is built', () => {
  const built = configOf(`project: app
servers: {web1: {host: a, arch: arm64}, web2: {host: b, arch: amd64}, web3: {host: c}}
services:
  web: {build: {}, hosts: [web1, web2]}
  api: {build: {}, hosts: [web3]}
  db: {image: redis, hosts: [web3]}
`)
  const builds = (selection = {}) =>
    buildsOf(built, select(built, selection), '1.10', 'amd64').map(({ name, platforms }) =>
      [name, ...platforms].join(' '),
    )

  test('is what the selected servers need', () => {
    expect(builds()).toEqual(['localhost:9270/app-web:1.10 linux/arm64 linux/amd64', 'localhost:9270/app-api:1.10'])
    expect(builds({ hosts: ['web1'] })).toEqual(['localhost:9270/app-web:1.10 linux/arm64'])
    expect(builds({ services: ['db'] })).toEqual([])
  })
  test('for several architectures goes by a tag for each, and each server gets its own', () => {
    const mixed = configOf(`project: app
servers: {web1: {host: a, arch: arm64}, web2: {host: b}}
services:
  web: {build: {}, hosts: [web1, web2]}
  worker: {build: {}, hosts: [web1]}
`)
    const observations = [observed({ arch: 'linux/arm64' }), observed({ server: 'web2' })]
    const plan = planFor(mixed, observations)
    expect(plan.builds.flatMap(imagesOf).map(({ name, platform }) => `${name} ${platform}`)).toEqual([
      'localhost:9270/app-web:9-arm64 linux/arm64',
      'localhost:9270/app-web:9-amd64 linux/amd64',
      'localhost:9270/app-worker:9 linux/arm64',
    ])
    expect(plan.servers.map(({ replacements }) => replacements.map(({ image, pushed }) => [image, pushed]))).toEqual([
      [
        ['localhost:9270/app-web:9', 'localhost:9270/app-web:9-arm64'],
        ['localhost:9270/app-worker:9', undefined],
      ],
      [['localhost:9270/app-web:9', 'localhost:9270/app-web:9-amd64']],
    ])
    expect(renderPlan(plan)).toContain('build web as localhost:9270/app-web:9 for linux/arm64 and linux/amd64')
    const pushed = new Map([
      ['localhost:9270/app-web:9-arm64', 'd1'],
      ['localhost:9270/app-web:9-amd64', 'd2'],
      ['localhost:9270/app-worker:9', 'd3'],
    ])
    expect(plan.servers.map(server => [...digestsOf(server, pushed)].join(' '))).toEqual(['web,d1 worker,d3', 'web,d2'])
  })
  test('for several architectures has a version that leaves room for them in a tag', () => {
    const of = (length: number) => () => buildsOf(built, select(built, {}), 'v'.repeat(length), 'amd64')
    expect(of(120)).not.toThrow()
    expect(of(121)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

describe('a rollback', () => {
  const rollback = (...observations: ReturnType<typeof observed>[]) =>
    planRollback({
      config,
      selected: select(config, { hosts: observations.map(({ server }) => server) }),
      observations,
    })

  test('starts the containers of the release before in their own slots', () => {
    const plan = rollback(second)
    expect(plan).toMatchObject({ action: 'rollback', release: 'r1', version: 'r1', builds: [] })
    expect(plan.servers[0]).toMatchObject({
      from: { version: 'r2' },
      proxy: 'runs',
      prune: { containers: [], images: [] },
    })
    expect(plan.servers[0]?.replacements.map(({ candidate, live }) => [candidate, live?.names[0]])).toEqual([
      [{ names: ['app-web-r1'], slot: 'a', isNew: false }, 'app-web-r2'],
      [{ names: ['app-worker-r1'], slot: 'a', isNew: false }, 'app-worker-r2'],
    ])
  })
  const three = (over: Parameters<typeof observed>[0]) =>
    observed({
      containers: ['r1', 'r2', 'r3'].map(release => ({ service: 'web', release, slot: release === 'r2' ? 'b' : 'a' })),
      releases: { r1: { web: 'app-web-r1' }, r2: { web: 'app-web-r2' }, r3: { web: 'app-web-r3' } },
      ...over,
    })
  test.each<[string, Parameters<typeof observed>[0], string]>([
    ['to the release before', { current: 'r3' }, 'r2'],
    ['again, to the one before that', { current: 'r2' }, 'r1'],
    ['past one whose container is gone', { current: 'r3', containers: [{ service: 'web', release: 'r1' }] }, 'r1'],
  ])('goes %s', (_, over, release) => expect(rollback(three(over)).release).toBe(release))

  test.each<[string, ReturnType<typeof observed>[], string, string | undefined]>([
    [
      'to before the first',
      [three({ current: 'r1' })],
      'no release before the current one',
      'this was the first one there; -H chooses the servers that go back',
    ],
    [
      'where nothing was deployed',
      [observed()],
      'no release before the current one',
      'this was the first one there; -H chooses the servers that go back',
    ],
    [
      'to containers that are gone',
      [three({ current: 'r3', containers: [] })],
      'no release before the current one',
      'the containers of the earlier ones are gone; deploy that version again',
    ],
    [
      'where servers do not agree',
      [three({ current: 'r3' }), three({ server: 'web2', current: 'r2' })],
      'the servers do not agree on the release before: web1 has r2, web2 has r1',
      'choose servers with --hosts',
    ],
  ])('cannot go %s', (_, observations, message, hint) => {
    expect(() => rollback(...observations)).toThrow(
      expect.objectContaining({ code: 'rollback.nothing', message: expect.stringContaining(message), hint }),
    )
  })
})

describe('the name of a release', () => {
  const now = new Date('2026-01-31T12:34:56.789Z')
  test.each<[string, string[], string]>([
    ['is the time', [], '20260131-123456'],
    ['is the time, after older ones', ['20260131-123455'], '20260131-123456'],
    ['is later than one of the same second', ['20260131-123456'], '20260131-123457'],
    ['is later than one of a clock that is ahead', ['20270101-000000'], '20270101-000001'],
    ['is later than any server knows', ['20260131-123456', '20260131-235959', '20250101-000000'], '20260131-235960'],
  ])('%s', (_, ids, name) => {
    const observations = ids.map(id => observed({ releases: { [id]: {} } }))
    const next = nextRelease(observations, now)
    expect(next).toBe(name)
    expect([...ids, next].toSorted().at(-1)).toBe(next)
  })
  test('also counts containers of deploys that were cut off', () => {
    const observation = observed({ containers: [{ service: 'web', release: '20260131-123458' }] })
    expect(nextRelease([observation], now)).toBe('20260131-123459')
  })
})

describe('the status', () => {
  const one = (over: object) => ({ service: 'web', release: 'r1', hosts: 'app.example.com', ...over })
  const statusIn = (situation: Parameters<typeof observed>[0]) =>
    statusOf(config, select(config, { hosts: ['web1'], services: ['web'] }), {
      observations: [observed({ sites: [site], releases: { r1: { web: 'app-web-r1' } }, current: 'r1', ...situation })],
    })[0]

  test.each<[string, Parameters<typeof observed>[0], object]>([
    [
      'runs',
      { containers: [one({})] },
      {
        state: 'running',
        health: 'unknown',
        version: 'r1',
        since: '2026-01-01T00:00:00Z',
        routes: ['http://app.example.com'],
      },
    ],
    ['is healthy', { containers: [one({ health: 'healthy' })] }, { health: 'healthy' }],
    ['is starting', { containers: [one({ health: 'starting' })] }, { health: 'starting' }],
    [
      'fails its check',
      { containers: [one({ health: 'unhealthy' })] },
      { health: 'unhealthy', reason: "the image's own check fails" },
    ],
    [
      'fails its check, which said why',
      {
        containers: [
          one({
            health: 'unhealthy',
            checks: [
              { ExitCode: 1, Output: 'old' },
              { ExitCode: 1, Output: 'no disk\n' },
            ],
          }),
        ],
      },
      { health: 'unhealthy', reason: 'its check fails: no disk' },
    ],
    [
      'was killed for its memory',
      { containers: [one({ isRunning: false, exitCode: 137, isOutOfMemory: true })] },
      { health: 'down', reason: 'it ran out of memory (status 137)' },
    ],
    [
      'was restarted',
      { containers: [one({ restarts: 3 })] },
      { health: 'unhealthy', reason: 'restarted 3 times; the last time it ended with status 0' },
    ],
    [
      'has ended',
      { containers: [one({ isRunning: false, exitCode: 137 })] },
      { state: 'exited', health: 'down', reason: 'ended with status 137', since: '2026-01-01T01:00:00Z' },
    ],
    [
      'was never deployed',
      { containers: [], releases: {}, sites: [] },
      { state: 'missing', health: 'down', reason: 'never deployed here' },
    ],
    [
      'is in another release than the current one',
      { containers: [], releases: { r1: {}, r2: { web: 'app-web-r2' } }, current: 'r1' },
      { state: 'missing', health: 'down', reason: 'the current release does not have it' },
    ],
    [
      'was deployed, and its container is gone',
      { containers: [] },
      { state: 'missing', health: 'down', reason: 'its container app-web-r1 is gone' },
    ],
    ['has no proxy', { containers: [one({})], proxy: undefined }, { health: 'down', reason: 'the proxy does not run' }],
  ])('of a service that %s', (_, situation, status) => {
    expect(statusIn(situation)).toMatchObject({ service: 'web', server: 'web1', ...status })
  })

  test('has no time of what has never run', () => {
    const made = one({ isRunning: false, finishedAt: '0001-01-01T00:00:00Z' })
    expect(statusIn({ containers: [made] })).not.toHaveProperty('since')
  })
  test('leaves out servers that could not be asked, and services elsewhere', () => {
    const rows = statusOf(config, select(config, {}), { observations: [observed({ server: 'web2' })] })
    expect(rows.map(({ service, server }) => `${service} on ${server}`)).toEqual(['web on web2'])
  })
  test('with HTTPS says so', () => {
    const secure = configOf(twoServers.replace('app_port', 'ssl: true, app_port'))
    const [status] = statusOf(secure, select(secure, { services: ['web'] }), { observations: [observed()] })
    expect(status?.routes).toEqual(['https://app.example.com'])
  })
  test('has an entry for each container of a service, and one for a server that cannot be reached', () => {
    const failures = new Map([['web2', new JijiError('server.unreachable', 'web2: no route to host')]])
    const containers = [one({ name: 'app-web-r1' }), one({ name: 'app-web-r1-2', replica: 2 })]
    const observations = [observed({ containers })]
    const healths = new Map([['app-web-r1-2', { status: 503, path: '/up' }]])
    const certificates = [
      { host: 'app.example.com', expires: 'then' },
      { host: 'other', expires: 'now' },
    ]
    const answers = new Map([['web1', { healths, certificates }]])
    const rows = statusOf(config, select(config, { services: ['web'] }), { observations, answers, failures })
    expect(rows.map(({ server, container, state, reason }) => [server, container, state, reason])).toEqual([
      ['web1', 'app-web-r1', 'running', undefined],
      ['web1', 'app-web-r1-2', 'running', '/up answered 503'],
      ['web2', undefined, 'unreachable', 'web2: no route to host'],
    ])
    expect(rows.map(({ certificates }) => certificates.length)).toEqual([1, 1, 0])
  })
})

describe('certificates of their own', () => {
  const own = configOf(twoServers.replace('app_port', 'ssl: {certificate_pem: CERT, private_key_pem: KEY}, app_port'))
  const certificates = new Map([['CERT', { file: 'new.pem', pem: new Secret('KEY', 'private') }]])
  const having = (file: string) => ({ ...second, sites: [siteOf(own, 'web1', { CERT: file })] })
  const selected = select(own, { hosts: ['web1'], services: ['web'] })

  test('go to a server that has others, with the routes that name them', () => {
    const site = planFor(own, [having('old.pem')], { ...onWeb1, certificates }).servers[0]?.site
    expect(site).toMatchObject({ certificates: { CERT: 'new.pem' }, brings: [{ file: 'new.pem' }] })
    expect(site?.text).toContain('tls /jiji/certificates/app/new.pem')
    expect(planFor(own, [having('new.pem')], { ...onWeb1, certificates }).servers[0]).not.toHaveProperty('site')
  })
  test('stay as they are in a rollback, which is not given them', () => {
    expect(planRollback({ config: own, selected, observations: [having('old.pem')] }).servers[0]).not.toHaveProperty(
      'site',
    )
  })
  test('that a server never got are named by a rollback', () => {
    expect(() => planRollback({ config: own, selected, observations: [second] })).toThrow(
      'web1: the certificate CERT is not there yet',
    )
  })
})

describe('a service with several targets', () => {
  const two = configOf(
    twoServers.replace(
      '{app_port: 3000, hosts: [app.example.com]}',
      '{targets: [{app_port: 3000, hosts: [app.example.com]}, {app_port: 9090, hosts: [app.example.com], path_prefix: /metrics}]}',
    ),
  )
  const live = { service: 'web', release: 'r2', slot: 'b', hosts: 'app.example.com', ports: '3000' } as const
  const before = observed({ containers: [live], releases: { r2: { web: 'app-web-r2' } }, current: 'r2', live: ['web'] })

  test('asks what stands there for no port that it does not have', () => {
    const [server] = planFor(two, [{ ...before, sites: [site] }], onWeb1).servers
    expect(server?.replacements[0]).toMatchObject({ candidate: { ports: [3000, 9090] }, live: { ports: [3000] } })
    expect(questionsFor(serviceIn(two, 'web').proxy?.targets ?? [], [3000]).map(({ said }) => said)).toEqual([
      ':3000/up',
    ])
  })
  test('says where each of them is reached', () => {
    const rows = statusOf(two, select(two, { hosts: ['web1'], services: ['web'] }), { observations: [before] })
    expect(rows[0]?.routes).toEqual(['http://app.example.com', 'http://app.example.com/metrics'])
  })
})

test('the marker does not count for a service that has lost its routes, while another has its host', () => {
  const containers = [
    { service: 'api', release: 'r1', slot: 'a', isRunning: false, hosts: 'app.example.com' },
    { service: 'api', release: 'r2', slot: 'b' },
  ] as const
  const releases = { r2: { api: 'app-api-r2' } }
  const observation = observed({ containers, releases, current: 'r2', sites: [site] })
  expect(liveOf(observation, 'app', 'api').container?.name).toBe('app-api-r2')
})
