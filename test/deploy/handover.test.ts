import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { settingsOf } from '../../src/config/recorded.ts'
import { select } from '../../src/config/select.ts'
import type { Observation } from '../../src/deploy/observe.ts'
import { planRestart } from '../../src/deploy/plan/restart.ts'
import { JijiError } from '../../src/errors.ts'
import { configOf } from '../config/deploy-yml.ts'
import { applied } from './applied.ts'
import { type Answer, unhealthy } from './fake.ts'
import { observed, planFor, siteOf } from './world.ts'

const head = 'project: app\nservers: {web1: {host: a}, web2: {host: b}}\nservices:\n'
const service = (name: string, proxy: string, hosts = 'web1') =>
  `  ${name}: {image: ${name}, hosts: [${hosts}], proxy: {app_port: 3000, ${proxy}}}\n`
const worker = '  worker: {image: worker, hosts: [web1]}\n'
const hosts = 'hosts: [app.example.com]'
const before = configOf(head + service('web', `${hosts}, redirect_from: [www.example.com]`) + worker)

/** Release r1 of a configuration runs, and is on record with how it was configured. */
function runningOf(config: Config, server = 'web1'): Observation {
  const own = config.services.filter(({ servers }) => servers.includes(server))
  const observation = observed({
    server,
    containers: own.map(({ name, proxy }) => ({
      service: name,
      release: 'r1',
      hosts: proxy?.targets.flatMap(target => target.hosts).join(' ') ?? '',
      ports: proxy?.targets.map(({ app_port }) => app_port).join(' ') ?? '',
    })),
    releases: { r1: Object.fromEntries(own.map(({ name }) => [name, `app-${name}-r1`])) },
    current: 'r1',
    sites: [siteOf(config, server)],
  })
  const settings = (name: string) => ({ settings: settingsOf(own.find(one => one.name === name) as (typeof own)[0]) })
  const releases = observation.releases.map(one => ({
    ...one,
    services: Object.fromEntries(
      Object.entries(one.services).map(([name, recorded]) => [name, { ...recorded, ...settings(name) }]),
    ),
  }))
  return { ...observation, releases }
}

const now = runningOf(before)
const onWeb1 = (services: string, chosen?: string[], observation = now) => {
  const selection = { hosts: ['web1'], ...(chosen ? { services: chosen } : {}) }
  const [server] = planFor(configOf(head + services), [observation], { selection }).servers
  if (!server) throw new Error('nothing is planned')
  return server
}

describe('requests that another service is to get', () => {
  const renamed = service('shop', hosts) + worker

  test('go to what has them now until that one runs', () => {
    const { site, handover } = onWeb1(renamed)
    expect([site, handover?.services, handover?.site.hosts]).toEqual([undefined, ['shop'], ['app.example.com']])
    expect(handover?.site.text).toContain('reverse_proxy app-shop-a:3000')
  })
  test.each<[string, string, string[]]>([
    ['below a prefix', service('web', hosts) + service('api', `${hosts}, path_prefix: /api`), ['api']],
    ['of a name that two exchange', service('web', 'hosts: [b.example.com]') + service('api', hosts), ['api']],
    [
      'of a name that is sent on',
      service('web', 'hosts: [www.example.com], redirect_from: [app.example.com]'),
      ['web'],
    ],
    ['on another server', service('web', hosts, 'web2') + worker, []],
  ])('%s as well', (_, services, expected) => {
    const { site, handover } = onWeb1(services)
    expect([site, handover?.services]).toEqual([undefined, expected])
  })
  test('find what takes the place of that in the meantime, by its own port', () => {
    const changed = service('web', hosts).replace('3000', '4000') + service('api', `${hosts}, path_prefix: /api`)
    const { site, handover } = onWeb1(changed)
    expect(site?.text).toContain('reverse_proxy app-web-b:4000')
    expect(site?.text).toContain('reverse_proxy app-web-a:3000')
    expect(site?.text).not.toContain('app-api')
    expect(handover?.site.text).toContain('app-api-a:3000')
  })
  test('go to what has them with the settings of now, where those lead to the same', () => {
    const secured = service('web', `${hosts}, ssl: true`) + service('old', 'hosts: [old.example.com]')
    const plain = service('web', hosts) + service('new', 'hosts: [old.example.com]')
    const { site } = onWeb1(plain, undefined, runningOf(configOf(head + secured)))
    expect(site?.text).toContain('http://app.example.com {')
    expect(site?.text).not.toContain('https://app.example.com {')
    expect(site?.text).toContain('reverse_proxy app-old-a:3000')
  })
  test.each<[string, string]>([
    ['a new name', service('web', 'hosts: [app.example.com, new.example.com], redirect_from: [www.example.com]')],
    ['a name that a service gives up', service('web', hosts)],
    ['another port', service('web', `${hosts}, redirect_from: [www.example.com]`).replace('3000', '4000')],
  ])('are not meant by %s: that is written at once', (_, services) => {
    const { site, handover } = onWeb1(services + worker)
    expect([site?.project, handover]).toEqual(['app', undefined])
  })
  test('are not led to what does not run', () => {
    const observation = { ...now, containers: now.containers.map(one => ({ ...one, isRunning: false })) }
    const { site, handover } = onWeb1(renamed, undefined, observation)
    expect([site?.text.includes('app-shop-a'), handover]).toEqual([true, undefined])
  })
  test('stay where they are when other services are deployed, or restarted', () => {
    const config = configOf(head + renamed)
    const { site, handover, retire, prune } = onWeb1(renamed, ['worker'])
    expect([site, handover, retire]).toEqual([undefined, undefined, []])
    expect(prune.containers).not.toContain('app-web-r1')
    const about = { config, selected: select(config, { hosts: ['web1'] }), observations: [now], release: 'r9' }
    const [again] = planRestart(about).servers
    expect([again?.site, again?.handover, again?.retire]).toEqual([undefined, undefined, []])
    expect(again?.prune.containers).toEqual(['app-worker-r1'])
  })
})

describe('a release that leads requests on', () => {
  const config = configOf(head + service('shop', hosts, 'web1, web2'))
  const all = ['web1', 'web2'].map(server => runningOf(configOf(head + service('web', hosts, 'web1, web2')), server))
  const plan = planFor(config, all)
  const go = (answers: Record<string, Answer> = {}) => applied(all, { answers, plan, over: { config } })

  test('does so on each server when what takes them is healthy there', async () => {
    const { log, error } = await go()
    expect(error).toBeUndefined()
    expect(log.slice(2, 6)).toEqual(['web1 start app-shop-r9', 'web1 routes', 'web2 start app-shop-r9', 'web2 routes'])
  })
  test('and fails, leads them back before it takes that away', async () => {
    const { log, scripts, error } = await go({ 'web2 start app-shop-r9': unhealthy })
    expect(error).toMatchObject({ code: 'release.unhealthy' })
    const after = log.slice(log.indexOf('web2 start app-shop-r9') + 1)
    expect(after[0]).toMatch(/^web1 docker exec jiji-proxy .*\.old/s)
    expect(after[1]).toBe('web1 docker rm -f app-shop-r9')
    expect(scripts.filter(({ deed, server }) => deed === 'routes' && server === 'web2')).toEqual([])
  })
  test('keeps a record of what a deploy of others has left alone', async () => {
    const renamed = configOf(head + service('shop', hosts) + worker)
    const partial = planFor(renamed, [now], { selection: { services: ['worker'] } })
    const { recordOn } = await applied([now], { plan: partial, over: { config: renamed } })
    expect(recordOn('web1').services).toMatchObject({ web: { container: 'app-web-r1' }, worker: { release: 'r9' } })
  })
})

test('routes stay as they are where images do not come', async () => {
  const config = configOf(head + service('web', 'hosts: [new.example.com]') + worker)
  const plan = planFor(config, [now], { selection: { hosts: ['web1'] } })
  expect(plan.servers[0]?.site?.hosts).toEqual(['new.example.com'])
  const failing = { 'pull web,worker': { code: 1, stdout: 'failed web\n', stderr: 'denied\n' } }
  const { log, error } = await applied([now], { answers: failing, plan, over: { config } })
  expect(error).toBeInstanceOf(JijiError)
  expect(log.filter(line => line.includes('routes'))).toEqual([])
})

test('the routes of a first release go where its images do not come', async () => {
  const fresh = observed({ proxy: undefined })
  const plan = planFor(before, [fresh], { selection: { hosts: ['web1'] } })
  const failing = { 'pull web,worker': { code: 1, stdout: 'failed web\n', stderr: 'denied\n' } }
  const { log } = await applied([fresh], { answers: failing, plan, over: { config: before } })
  expect(log).toContain('web1 proxy and routes')
  expect(log.at(-1)).toMatch(/^web1 docker exec jiji-proxy .*\.old/s)
})
