import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { type RecordedSettings, serviceFrom, settingsOf } from '../../src/config/recorded.ts'
import { Secrets } from '../../src/config/secrets.ts'
import { type Selection, select } from '../../src/config/select.ts'
import type { Observation } from '../../src/deploy/observe.ts'
import type { Plan } from '../../src/deploy/plan/plan.ts'
import { planRollback } from '../../src/deploy/plan/rollback.ts'
import { recordAll } from '../../src/deploy/record.ts'
import { listReleases } from '../../src/deploy/releases.ts'
import { recorder } from '../../src/runner/recorder.ts'
import type { Runner } from '../../src/runner/runner.ts'
import type { RecordedService, ReleaseRecord } from '../../src/shell/records.ts'
import { configOf } from '../config/deploy-yml.ts'
import { config, observed, planFor, serviceIn, siteOf, twoServers } from './world.ts'

/** As it was at r1: another port, two replicas, another host; and a service that is no more. */
const before = configOf(`project: app
servers: {web1: {host: a}, web2: {host: b}}
services:
  web:
    image: web
    hosts: [web1, web2]
    replicas: 2
    command: [old]
    proxy: {app_port: 8080, hosts: [old.example.com], healthcheck: {path: /ready}}
  cache: {image: cache, hosts: [web1]}
`)

const recorded = (name: string, over: Partial<RecordedService> = {}): RecordedService => ({
  image: `${name}:r1`,
  digest: 'sha256:r1',
  container: `app-${name}-r1`,
  slot: 'a',
  release: 'r1',
  version: 'r1',
  settings: settingsOf(serviceIn(before, name)),
  ...over,
})
const r1 = { web: recorded('web', { replicas: 2 }), cache: recorded('cache') }
const site = siteOf(config)

/** r2 serves, and of r1 there is what is said. */
function afterR2(
  containers: ReturnType<typeof stopped>[],
  over: Partial<Observation> & { r1?: Record<string, RecordedService> } = {},
): Observation {
  const observation = observed({
    containers: [
      { service: 'web', release: 'r2', slot: 'b', hosts: 'app.example.com' },
      { service: 'worker', release: 'r2' },
      ...containers,
    ],
    releases: { r1: {}, r2: { web: 'app-web-r2', worker: 'app-worker-r2' } },
    current: 'r2',
    live: ['web'],
    sites: [site],
  })
  const releases = observation.releases.map(one => (one.id === 'r1' ? { ...one, services: over.r1 ?? r1 } : one))
  return { ...observation, releases, ...over }
}
const stopped = (service: string, replica = 1) => ({
  service,
  replica,
  isRunning: false,
  name: `app-${service}-r1${replica > 1 ? `-${replica}` : ''}`,
})
const all = [stopped('web'), stopped('web', 2), stopped('cache')]
const kept = new Map([
  ['app-web-r1', 'sha256:id-of-web'],
  ['app-cache-r1', ''],
])

const request = (observations: readonly Observation[], selection: Selection = { hosts: ['web1'] }) => ({
  config,
  selected: select(config, selection),
  observations,
  isPartial: selection.services !== undefined,
})
const planned = (observation: Observation, selection?: Selection, wanted?: string) => {
  const [server] = planRollback({ ...request([observation], selection), wanted }).servers
  if (!server) throw new Error('nothing is planned')
  return server
}

describe('a rollback to a release with its configuration on record', () => {
  test('brings back its routes and services, and stops those that it did not have', () => {
    const { replacements, site: routes, retire } = planned(afterR2(all))
    expect(replacements.map(({ service, candidate }) => [service, candidate.names.length, candidate.isNew])).toEqual([
      ['web', 2, false],
      ['cache', 1, false],
    ])
    expect(routes?.hosts).toEqual(['old.example.com'])
    expect(routes?.text).toContain('app-web-a:8080 app-web-a-2:8080 {')
    expect(retire).toEqual(['app-worker-r2'])
  })

  test('of some services leaves the others and their routes as they are', () => {
    const {
      replacements,
      site: routes,
      retire,
    } = planned(afterR2(all), { hosts: ['web1'], services: ['worker', 'web'] })
    expect(replacements.map(({ service }) => service)).toEqual(['web'])
    expect([routes?.hosts, retire]).toEqual([['old.example.com'], []])
    expect(() => planned(afterR2(all), { hosts: ['web1'], services: ['worker'] })).toThrow('web1: r1 has no worker')
  })

  test('leaves alone what an older jiji recorded, and is not configured any more', () => {
    const { settings: _, ...cache } = recorded('cache')
    const { replacements, retire } = planned(afterR2(all, { r1: { ...r1, cache } }))
    expect([replacements.map(({ service }) => service), retire]).toEqual([['web'], ['app-worker-r2']])
  })

  test('makes containers again that are gone, of the image with that id, or pulls it first', () => {
    const { replacements } = planned(afterR2([], { kept }))
    expect(replacements.map(({ candidate, again }) => [candidate, again])).toEqual([
      [
        { names: ['app-web-r1', 'app-web-r1-2'], slot: 'a', isNew: true, ports: [8080] },
        { version: 'r1', digest: 'sha256:r1', release: 'r1', id: 'sha256:id-of-web' },
      ],
      [
        { names: ['app-cache-r1'], slot: 'a', isNew: true },
        { version: 'r1', digest: 'sha256:r1', release: 'r1' },
      ],
    ])
  })

  test('makes all replicas again where one is gone', () => {
    const [web] = planned(afterR2([stopped('web', 2), stopped('cache')], { kept })).replacements
    expect(web).toMatchObject({ candidate: { isNew: true }, leftovers: { remove: ['app-web-r1-2'], stop: [] } })
  })

  test('leaves alone what has been deployed for both, also where one of its replicas is gone', () => {
    const both = { ...recorded('web', { container: 'app-web-r2', replicas: 3 }) }
    expect(planned(afterR2([], { r1: { web: both } })).replacements).toEqual([])
    const second = { ...both, container: 'app-web' }
    const named = afterR2([], { r1: { web: second } })
    const containers = named.containers.map(one => (one.service === 'web' ? { ...one, name: 'app-web-2' } : one))
    expect(planned({ ...named, containers, kept: new Map([['app-web', '']]) }).replacements).toEqual([])
  })

  test.each([
    ['its id', 'r1'],
    ['its version', '1.0'],
  ])('is named by %s, also where it is newer than the current one', (_, wanted) => {
    const observation = afterR2(all)
    const releases = observation.releases.map(one => (one.id === 'r1' ? { ...one, version: '1.0' } : one))
    expect(planRollback({ ...request([{ ...observation, releases }]), wanted }).release).toBe('r1')
    const back = { ...observation, releases, current: 'r1' }
    expect(planRollback({ ...request([back]), wanted: 'r2' }).release).toBe('r2')
  })
})

describe('a rollback is refused', () => {
  const { settings: _, ...bare } = recorded('web', { digest: '' })
  test.each<[string, Observation, string | undefined, string]>([
    ['to what is not there', afterR2(all), 'r7', 'web1: there is no release r7'],
    ['to what runs', afterR2(all), 'r2', 'web1: r2 is the current release'],
    [
      'where an older jiji kept nothing',
      afterR2([], { r1: { web: bare } }),
      'r1',
      'web1: r1 cannot come back: the containers of web are gone, and how they were made is not on record',
    ],
    ['where the environment is gone', afterR2([]), 'r1', 'the containers of web are gone, and so is their environment'],
    [
      'where an image is gone that has no digest',
      afterR2([stopped('web'), stopped('web', 2)], { kept, r1: { ...r1, cache: recorded('cache', { digest: '' }) } }),
      'r1',
      'the containers of cache are gone, and so is its image, which has no digest',
    ],
    [
      'where another project has a host name by now',
      afterR2(all, {
        sites: [site, { project: 'other', hosts: ['old.example.com'], services: [], certificates: {}, hash: '' }],
      }),
      'r1',
      'web1: old.example.com belongs to the project other',
    ],
  ])('%s', (_, observation, wanted, message) => {
    expect(() => planRollback({ ...request([observation]), wanted })).toThrow(message)
  })
  test('where a version stands for several releases', () => {
    const named = (one: Observation, id: string) => ({
      ...one,
      releases: one.releases.map(record => (record.id === 'r1' ? { ...record, id, version: '1.0' } : record)),
    })
    const two = [afterR2(all), { ...afterR2(all), server: 'web2' }].map((one, index) => named(one, `r1${index}`))
    expect(() => planRollback({ ...request(two, {}), wanted: '1.0' })).toThrow(
      'the servers do not agree on which release is 1.0: web1 has r10, web2 has r11',
    )
  })
})

describe('what goes on record', () => {
  const owner = { by: 'me', host: 'here', since: 'now', command: 'deploy' }
  const recordedAfter = async (config: Config, observation: Observation, plan: Plan) => {
    const scripts: string[] = []
    const run: Runner['run'] = async script => {
      scripts.push(script.render())
      return { code: 0, stdout: '', stderr: '' }
    }
    const context = {
      ...{ config, secrets: new Secrets(new Map()), observations: [observation], report: () => {} },
      ...{ owner, actor: { by: 'me', host: 'here', who: { login: 'me' } }, signal: new AbortController().signal },
      runners: new Map([['web1', { ...recorder('web1'), run }]]),
    }
    await recordAll(context, plan, new Map([['web1', new Map([['web', 'sha256:9']])]]))
    return JSON.parse(/'(\{"schemaVersion":1,"id".*\})'/.exec(scripts.join('\n'))?.[1] ?? '') as ReleaseRecord
  }
  const onWeb1 = { selection: { hosts: ['web1'], services: ['web'] } }

  test('is how services are configured, and none of their variables', async () => {
    const told = configOf(
      twoServers.replace(
        '    image: web\n',
        '    image: web\n    environment: {clear: {OPEN: word}, secrets: [TOKEN]}\n',
      ),
    )
    const plan = planFor(told, [afterR2([])], onWeb1)
    const record = await recordedAfter(told, afterR2([]), plan)
    expect(record.services.web).toMatchObject({
      ...{ container: 'app-web-r9', digest: 'sha256:9', release: 'r9', version: '9' },
      settings: { proxy: { targets: [{ app_port: 3000, hosts: ['app.example.com'] }] }, restart: 'unless-stopped' },
    })
    expect(JSON.stringify(record)).not.toMatch(/word|TOKEN/)
  })
  test('is of the others what serves, and not what a rollback of some has left there', async () => {
    const partly = {
      ...afterR2(all, { r1: { ...r1, worker: recorded('cache', { container: 'app-worker-r1' }) } }),
      current: 'r1',
    }
    const { services } = await recordedAfter(config, partly, planFor(config, [partly], onWeb1))
    expect([services.worker?.container, services.web?.container]).toEqual(['app-worker-r2', 'app-web-r9'])
  })
  test('has the defaults of keys that have come since', () => {
    const { proxy, hosts: _, ...more } = { ...settingsOf(serviceIn(before, 'web')), hosts: [] }
    const { shm_size: _size, tmpfs: _tmpfs, log: _log, ...fewer } = more
    const targets = proxy?.targets.map(({ healthcheck: _check, ...route }) => route)
    const read = serviceFrom('web', { ...fewer, proxy: { targets } } as unknown as RecordedSettings, ['web1'])
    expect(read).toMatchObject({ tmpfs: [], log: { options: {} }, command: ['old'], servers: ['web1'] })
    expect(read.proxy?.targets).toMatchObject([
      { app_port: 8080, hosts: ['old.example.com'], healthcheck: { path: '/up' } },
    ])
  })
})

describe('the list of releases', () => {
  const listed = (observation: Observation, hasImage = (): boolean | undefined => undefined) =>
    listReleases(request([observation]), hasImage).map(
      ({ version, servers }) => `${version} ${servers.map(({ state, how, reason }) => reason ?? how ?? state)}`,
    )
  const local = (image: string) => ({ ...r1, cache: recorded('cache', { image }) })

  test.each<[string, Observation, string]>([
    ['containers are there', afterR2(all), 'r1 start'],
    ['they are made again', afterR2([stopped('cache')], { kept }), 'r1 make'],
    ['an image must be pulled', afterR2([], { kept }), 'r1 if its registry still has its images'],
    ['nothing was kept', afterR2([]), 'r1 the containers of web are gone, and so is their environment'],
    ['it is not on record', { ...afterR2(all), releases: afterR2(all).releases.slice(0, 1) }, ''],
  ])('says that %s', (_, observation, line) => {
    expect(listed(observation)).toEqual(['r2 current', ...(line ? [line] : [])])
  })
  test('asks the local registry for what must come from there', () => {
    const observation = afterR2([stopped('web'), stopped('web', 2)], { kept, r1: local('localhost:9270/app-cache:r1') })
    expect(listed(observation, () => true)[1]).toBe('r1 pull')
    expect(listed(observation, () => false)[1]).toContain('the local registry does not hold it')
    expect(listed(observation)[1]).toBe('r1 if its registry still has its images')
  })
  test('has a line for a server that does not know a release', () => {
    const other = { ...observed({ server: 'web2', current: 'r2', releases: { r2: {} } }) }
    const [, first] = listReleases(request([afterR2(all), other], {}), () => undefined)
    expect(first?.servers.map(({ reason }) => reason)).toEqual([undefined, 'it is not on record there'])
  })
})
