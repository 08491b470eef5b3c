import { describe, expect, test } from 'vitest'
import { settingsOf } from '../../src/config/recorded.ts'
import { select } from '../../src/config/select.ts'
import { withSharers } from '../../src/config/shared-network.ts'
import type { Observation } from '../../src/deploy/observe.ts'
import { planRemove } from '../../src/deploy/plan/remove.ts'
import { planRestart } from '../../src/deploy/plan/restart.ts'
import { planRollback } from '../../src/deploy/plan/rollback.ts'
import { renderPlan } from '../../src/ui/plan.ts'
import { configOf } from '../config/deploy-yml.ts'
import { applied } from './applied.ts'
import { observed, planFor, serviceIn, siteOf } from './world.ts'

const text = `project: app
servers: {s1: {host: a}, s2: {host: b}}
services:
  side: {image: side, hosts: [s1, s2], network_mode: "service:web"}
  web: {image: web, hosts: [s1, s2], proxy: {app_port: 3000, hosts: [app.example.com]}}
`
const config = configOf(text)
const alone = configOf(text.replace(', network_mode: "service:web"', ''))
const none = configOf(text.replace(/^ {2}side.*\n/m, ''))

/** A pair of each of these releases, of which the last one serves. */
function pairs(server: string, releases: readonly string[] = ['r1'], over: Partial<Observation> = {}): Observation {
  const current = releases.at(-1) ?? ''
  const observation = observed({
    server,
    containers: releases.flatMap((release, index) => [
      {
        service: 'web',
        release,
        hosts: 'app.example.com',
        slot: index % 2 ? 'b' : 'a',
        isRunning: release === current,
      },
      { service: 'side', release, isRunning: release === current },
    ]),
    releases: Object.fromEntries(releases.map(id => [id, { web: `app-web-${id}`, side: `app-side-${id}` }])),
    current,
    live: releases.length % 2 ? [] : ['web'],
    sites: [siteOf(config, server)],
  })
  const withSettings = observation.releases.map(record => ({
    ...record,
    services: Object.fromEntries(
      Object.entries(record.services).map(([name, one]) => [
        name,
        { ...one, release: record.id, settings: settingsOf(serviceIn(config, name)) },
      ]),
    ),
  }))
  return { ...observation, releases: withSettings, ...over }
}

const both = [pairs('s1'), pairs('s2')]
const replaced = ({
  servers: [server],
}: {
  servers: readonly { replacements: readonly { service: string; with?: string }[] }[]
}) => server?.replacements.map(one => `${one.service}${one.with ? ` with ${one.with}` : ''}`)

describe('what shares the network of another', () => {
  test('is replaced with it, in one step', async () => {
    const plan = planFor(config, both)
    expect(replaced(plan)).toEqual(['side with web', 'web'])
    expect(plan.rollout.rounds.flat()).toEqual([
      { service: 'web', servers: ['s1'] },
      { service: 'web', servers: ['s2'] },
    ])
    expect(renderPlan(plan)).toContain('side: r1 -> side, in the network of the new web')
    const { log, scripts, error, leftAt } = await applied(both, { plan, over: { config } })
    expect(error).toBeUndefined()
    expect(log.filter(line => line.includes('start'))).toEqual(['s1 start app-web-r9', 's2 start app-web-r9'])
    const script = String(scripts.find(({ deed }) => deed.startsWith('start'))?.script)
    expect(script).toContain('docker run -d --name app-side-r9')
    expect(script).toContain('--network container:app-web-r9')
    expect(script.indexOf('docker stop -t 10 app-web-r1')).toBeGreaterThan(script.indexOf('echo healthy'))
    expect(script.indexOf('docker stop -t 10 app-side-r1')).toBeGreaterThan(script.indexOf('echo healthy'))
    expect(leftAt.at(-1)).toBe('')
  })

  test('goes back with it, into the network that it has then', async () => {
    const unhealthy = {
      code: 94,
      stdout: 'about web\nabout side\nstarted\nabout side\nreason it ended with status 1\n',
    }
    const plan = planFor(config, both)
    const { log, scripts, error } = await applied(both, {
      plan,
      over: { config },
      answers: { 's2 start app-web-r9': unhealthy },
    })
    expect(error?.message).toBe('s2: side did not become healthy: it ended with status 1')
    expect(log.at(-1)).toBe('s1 restart app-web-r1')
    const script = String(scripts.at(-1)?.script)
    expect(script.indexOf('docker start app-side-r1')).toBeGreaterThan(script.indexOf('docker start app-web-r1'))
    expect(script).toContain('docker rm -f app-side-r9')
  })

  test('is replaced alone in the network that is there, and stops first', async () => {
    const plan = planFor(config, both, { selection: { services: ['side'], hosts: ['s1'] } })
    expect(replaced(plan)).toEqual(['side'])
    const { scripts } = await applied(both, { plan, over: { config } })
    const script = String(scripts.find(({ deed }) => deed.startsWith('start'))?.script)
    expect(script).toContain('--network container:app-web-r1')
    expect(script.lastIndexOf('docker stop -t 10 app-side-r1')).toBeLessThan(script.indexOf('docker run'))
  })

  test('finds nothing to join where that does not run', () => {
    const nothing = observed({ server: 's1' })
    expect(() => planFor(config, [nothing], { selection: { services: ['side'], hosts: ['s1'] } })).toThrow(
      's1: side shares the network of web, of which not one container runs there',
    )
  })

  test('is not left without, whatever the configuration says by now', () => {
    const web = { selection: { services: ['web'] } }
    expect(() => planFor(alone, both, web)).toThrow('s1: side runs in the network of web, and would be left without it')
    const request = { config: alone, observations: both, release: 'r9' }
    expect(() => planRestart({ ...request, selected: select(alone, { services: ['web'] }) })).toThrow('left without it')
    expect(() => planRemove(config, select(config, { services: ['web'] }), both, { isWithVolumes: false })).toThrow(
      'left without it',
    )
    expect(planRemove(config, select(config, {}), both, { isWithVolumes: false }).servers).toHaveLength(2)
  })

  test.each([
    ['is to share it no more', alone, ['side', 'web']],
    ['is to be no more', none, ['web']],
  ])('and %s stops with it, and comes back with it', async (_, config, services) => {
    const plan = planFor(config, both)
    expect(replaced(plan)).toEqual(services)
    const { scripts } = await applied(both, {
      plan,
      over: { config },
      answers: { 's2 start app-web-r9': { code: 94, stdout: 'reason no\n' } },
    })
    const [away, ...others] = scripts.filter(({ deed }) => /start app-web/.test(deed)).map(one => String(one.script))
    expect(away).toContain('docker stop -t 10 app-side-r1')
    const back = others.at(-1) ?? ''
    expect(back.indexOf('docker start app-side-r1')).toBeGreaterThan(back.indexOf('docker start app-web-r1'))
  })

  test('is restarted with it', () => {
    const selected = withSharers(config, select(config, { services: ['web'] }))
    const plan = planRestart({ config, observations: both, release: 'r9', selected })
    expect(replaced(plan)).toEqual(['side with web', 'web'])
  })
})

describe('a rollback of what shares a network', () => {
  const after = [pairs('s1', ['r1', 'r2'])]
  const kept = new Map(['web', 'side'].map(name => [`app-${name}-r1`, `id-${name}`]))
  const back = (observations: readonly Observation[], services?: string[]) =>
    planRollback({
      config,
      observations,
      selected: select(config, { services, hosts: ['s1'] }),
      isPartial: services !== undefined,
    })

  test('takes both back, also where one is asked for', () => {
    expect(replaced(back(after))).toEqual(['side with web', 'web'])
    expect(replaced(back(after, ['web']))).toEqual(['side with web', 'web'])
  })
  test('takes none back without the other', () => {
    expect(() => back(after, ['side'])).toThrow('side shares the network of web, which must go back as well: -S web')
  })
  test('makes both again where the container is gone that has the network', () => {
    const [one] = after
    if (!one) return
    const containers = one.containers.filter(({ name }) => name !== 'app-web-r1')
    const { servers } = back([{ ...one, containers, kept }])
    expect(servers[0]?.replacements).toMatchObject([
      { service: 'side', candidate: { isNew: true }, leftovers: { remove: ['app-side-r1'] }, again: { id: 'id-side' } },
      { service: 'web', candidate: { isNew: true }, again: { id: 'id-web' } },
    ])
  })
  test('stops what that release did not have', () => {
    const [one] = after
    const releases = (one?.releases ?? []).map(({ services, ...rest }) => ({
      ...rest,
      services: rest.id === 'r1' && services.web ? { web: services.web } : services,
    }))
    if (!one) return
    const plan = back([{ ...one, releases }], ['web'])
    expect([replaced(plan), plan.servers[0]?.retire]).toEqual([['web'], ['app-side-r2']])
  })
})
