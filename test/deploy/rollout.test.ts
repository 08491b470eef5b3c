import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { countOf, parseShare } from '../../src/config/share.ts'
import { FailedRelease, failedReleaseIn } from '../../src/deploy/failed-release.ts'
import { allTogether } from '../../src/deploy/failure.ts'
import type { Plan } from '../../src/deploy/plan/plan.ts'
import { planRollback } from '../../src/deploy/plan/rollback.ts'
import { JijiError } from '../../src/errors.ts'
import { exits } from '../../src/shell/engine.ts'
import type { ReleaseRecord } from '../../src/shell/records.ts'
import { configOf } from '../config/deploy-yml.ts'
import { applied } from './applied.ts'
import { type Answer, unhealthy } from './fake.ts'
import { observed, planFor, saidBy, siteOf } from './world.ts'

/** `web` runs on all servers, `worker` on all but the first, `db` on the last alone. */
function shop(count: number, deploy = '') {
  const servers = Array.from({ length: count }, (_, index) => `s${index + 1}`)
  const config = configOf(`project: app
servers: {${servers.map(name => `${name}: {host: ${name}}`).join(', ')}}
deploy: {${deploy}}
services:
  web: {image: web, hosts: [${servers}], proxy: {app_port: 3000, hosts: [app.example.com]}}
  worker: {image: worker, hosts: [${servers.slice(1)}], stop_first: true}
  db: {image: db, hosts: [s${count}]}
`)
  const running = servers.map((server, index) => {
    const names = ['web', ...(index > 0 ? ['worker'] : []), ...(index === count - 1 ? ['db'] : [])]
    return observed({
      server,
      containers: names.map(service => ({
        service,
        release: 'r1',
        ...(service === 'web' ? { hosts: 'app.example.com' } : {}),
      })),
      releases: { r1: Object.fromEntries(names.map(service => [service, `app-${service}-r1`])) },
      current: 'r1',
      sites: [siteOf(config, server)],
    })
  })
  return { config, running, plan: planFor(config, running) }
}

/** `web s1 | web s2,s3` */
function roundsOf({ rollout }: Plan): string[] {
  return rollout.rounds.map(round => round.map(({ service, servers }) => `${service} ${servers}`).join(' | '))
}

describe('a share', () => {
  test.each<[string, number, number | undefined]>([
    ['all', 7, 7],
    ['all', 0, 1],
    ['1', 7, 1],
    ['10', 7, 10],
    ['50%', 7, 3],
    ['50%', 1, 1],
    ['1%', 30, 1],
    ['100%', 7, 7],
    ['0', 7, undefined],
    ['0%', 7, undefined],
    ['101%', 7, undefined],
    ['-1', 7, undefined],
    ['1.5', 7, undefined],
    ['half', 7, undefined],
    ['', 7, undefined],
  ])('of %s in %i is %j', (text, total, count) => {
    const share = parseShare(text)
    expect(share && countOf(share, total)).toBe(count)
  })
})

describe('a plan is rolled out', () => {
  test.each<[string, string[]]>([
    ['', ['web s1 | worker s2 | db s4', 'web s2,s3,s4 | worker s3,s4']],
    ['parallel: 1', ['web s1 | worker s2 | db s4', 'web s2 | worker s3', 'web s3 | worker s4', 'web s4']],
    ['parallel: 50%', ['web s1 | worker s2 | db s4', 'web s2,s3 | worker s3', 'web s4 | worker s4']],
    ['order: [db, worker]', ['db s4 | worker s2 | web s1', 'worker s3,s4 | web s2,s3,s4']],
  ])('with {%s}, the first server of each service first', (deploy, rounds) => {
    expect(roundsOf(shop(4, deploy).plan)).toEqual(rounds)
  })
  test('and of some services or servers only those', () => {
    const { config, running } = shop(4, 'parallel: 1, order: [db]')
    const plan = planFor(config, running, { selection: { hosts: ['s3', 's4'], services: ['web', 'db'] } })
    expect(roundsOf(plan)).toEqual(['db s4 | web s3', 'web s4'])
  })
  describe('backwards', () => {
    const { config, running } = shop(3, 'parallel: 1, wait: 1h, order: [db], on_failure: keep')
    const after = running.map(one => {
      const newer = one.containers.map(each => ({ ...each, name: `${each.name}0`, release: 'r2', slot: 'b' as const }))
      const services = Object.fromEntries(newer.map(each => [each.service, { container: each.name }]))
      const older = one.containers.map(each => ({ ...each, isRunning: false }))
      const release = { ...one.releases[0], id: 'r2', version: 'r2', services } as ReleaseRecord
      const containers = [...newer, ...older]
      return {
        ...one,
        containers,
        releases: [release, ...one.releases],
        current: 'r2',
        markers: new Set(['app/web.b']),
      }
    })
    const plan = planRollback({ config, selected: select(config, {}), observations: after })

    test('in the other order, and without a pause', () => {
      expect(roundsOf(plan)).toEqual(['worker s2 | web s1 | db s3', 'worker s3 | web s2', 'web s3'])
      expect(plan.rollout.wait).toBe(0)
    })
    test('where some of it is kept, has gone back on servers alone that have all of it', async () => {
      const { log, error } = await applied(after, {
        plan,
        over: { config },
        answers: { 's3 restart app-worker-r1': unhealthy },
      })
      expect(error).toMatchObject({ exitStatus: 7 })
      expect(log.filter(line => line.includes('record'))).toEqual(['s1 record'])
      expect(log.filter(line => line.includes('s2 restart'))).toEqual(['s2 restart app-worker-r1'])
    })
  })
  test('in that order also its hooks', async () => {
    const running = [observed({ server: 's1' })]
    const config = configOf(`project: app
servers: {s1: {host: a}}
deploy: {order: [db]}
services:
  web: {image: web, hosts: [s1], hooks: {pre_deploy: ./web}}
  db: {image: db, hosts: [s1], hooks: {pre_deploy: ./db}}
`)
    const { log } = await applied(running, { plan: planFor(config, running), over: { config } })
    expect(log.filter(line => line.includes('hook'))).toEqual(['s1 hook app-db-r9-hook', 's1 hook app-web-r9-hook'])
  })
  test('in that order, with a pause between rounds and none before the first', async () => {
    const { config, running, plan } = shop(3, 'parallel: 1, wait: 30ms, order: [db]')
    const began = Date.now()
    const { log, events, error } = await applied(running, { plan, over: { config } })
    expect(error).toBeUndefined()
    expect(Date.now() - began).toBeGreaterThanOrEqual(60)
    expect(log.filter(line => line.includes('start'))).toEqual([
      's3 start app-db-r9',
      's1 start app-web-r9',
      's2 start app-worker-r9',
      's2 start app-web-r9',
      's3 start app-worker-r9',
      's3 start app-web-r9',
    ])
    const waits = events.filter(({ step }) => step === 'wait').map(({ detail }) => detail)
    expect(waits).toEqual(['waiting 0.03 s before s2, s3', 'waiting 0.03 s before s3'])
  })
  test('and Ctrl-C ends a pause, and puts back', async () => {
    const { config, running, plan } = shop(2, 'wait: 1h')
    const waits = applied(running, { plan, over: { config }, interruptAt: ({ step }) => step === 'wait' })
    const done = await Promise.race([waits, sleep(5_000)])
    expect(done?.error).toMatchObject({ code: 'interrupted', exitStatus: 130 })
    expect(done?.log).toContain('s1 restart app-web-r1')
  })
})

describe('a failure on the second of three servers', () => {
  const failing = (deploy: string, answers: Record<string, Answer>, selection = { services: ['web'] }) => {
    const { config, running } = shop(3, deploy)
    return applied(running, { plan: planFor(config, running, { selection }), over: { config }, answers })
  }
  /** How a server answers that has been switched and stays so. */
  const switched = (server: string) => {
    const { config, running } = shop(3)
    const containers = ['r1', 'r9'].map(release => ({
      service: 'web',
      release,
      version: release === 'r9' ? '9' : 'r1',
      slot: release === 'r9' ? ('b' as const) : ('a' as const),
      isRunning: release === 'r9',
      hosts: 'app.example.com',
    }))
    const sites = [siteOf(config, server)]
    const { releases, current } = running[0] ?? {}
    const now = { ...observed({ server, containers, sites, live: ['web'] }), releases: releases ?? [], current }
    return { [`${server} observe`]: { stdout: saidBy(now) } }
  }
  const serves = (error: unknown) =>
    failedReleaseIn(error)?.services.map(({ server, service, version, health }) => [server, service, version, health])

  test('puts back the first, leaves the third, and says what serves now: exit 6', async () => {
    const { log, error } = await failing('parallel: 1', { 's2 start app-web-r9': unhealthy })
    expect(error).toBeInstanceOf(FailedRelease)
    expect(error).toMatchObject({ code: 'release.unhealthy', exitStatus: 6, server: 's2' })
    expect(log.slice(3)).toEqual(['s1 start app-web-r9', 's2 start app-web-r9', 's1 restart app-web-r1'])
    expect(serves(error)).toEqual(['s1', 's2', 's3'].map(server => [server, 'web', 'r1', 'unknown']))
  })
  test('puts back also those that were replaced beside it, which are waited for', async () => {
    const { log } = await failing('', { 's2 start app-web-r9': unhealthy })
    expect(log.slice(6).toSorted()).toEqual(['s1 restart app-web-r1', 's3 restart app-web-r1'])
  })
  test('tells of those that failed beside it', async () => {
    const noRoom = { code: exits.notStarted, stdout: '', stderr: 'no room\n' }
    const { error } = await failing('', { 's2 start app-web-r9': unhealthy, 's3 start app-web-r9': noRoom })
    expect(error).toMatchObject({ code: 'release.unhealthy', server: 's2' })
    expect(error?.output).toBe('the database\nis missing\ns3: web could not be started: no room')
  })
  test('with on_failure: keep leaves the first as it is, on record, and nothing pruned: exit 7', async () => {
    const answers = { 's2 start app-web-r9': unhealthy, ...switched('s1') }
    const { log, error, recordOn, scripts } = await failing('parallel: 1, on_failure: keep', answers)
    expect(error).toMatchObject({
      code: 'servers.partial',
      exitStatus: 7,
      message: 's2: web did not become healthy: /up answered 503 in 60 s; kept what was switched before',
      output: 'the database\nis missing',
      hint: expect.stringContaining('jiji rollback -H s1'),
    })
    expect(log.slice(3)).toEqual(['s1 start app-web-r9', 's2 start app-web-r9', 's1 record'])
    expect(recordOn('s1')).toMatchObject({ id: 'r9', services: { web: { container: 'app-web-r9', slot: 'b' } } })
    expect(String(scripts.at(-1)?.script)).not.toMatch(/docker (rm|image|stop)/)
    expect(serves(error)).toEqual([
      ['s1', 'web', '9', 'unknown'],
      ['s2', 'web', 'r1', 'unknown'],
      ['s3', 'web', 'r1', 'unknown'],
    ])
    expect(failedReleaseIn(error)?.kept).toEqual(new Set(['s1']))
  })
  test('of its second service, with keep, has the one before on record beside the new one', async () => {
    const answers = { 's2 start app-worker-r9': unhealthy, ...switched('s2') }
    const selection = { services: ['web', 'worker'], hosts: ['s2', 's3'] }
    const { error, recordOn } = await failing('parallel: 1, on_failure: keep', answers, selection)
    expect(error).toMatchObject({ exitStatus: 7 })
    expect(recordOn('s2').services).toMatchObject({
      web: { container: 'app-web-r9' },
      worker: { container: 'app-worker-r1' },
    })
    expect(failedReleaseIn(error)?.kept).toEqual(new Set())
  })
  test('with keep, says when what is kept could not be put on record', async () => {
    const answers = { 's2 start app-web-r9': unhealthy, 's1 record': { code: 1, stderr: 'no room\n' } }
    const { error } = await failing('parallel: 1, on_failure: keep', answers)
    expect(error?.output).toContain('s1: the release could not be recorded: no room')
  })
  test('with keep and on the first server is an unhealthy release as ever', async () => {
    const { error, log } = await failing('on_failure: keep', { 's1 start app-web-r9': unhealthy })
    expect(error).toMatchObject({ code: 'release.unhealthy', exitStatus: 6 })
    expect(log.at(-1)).toBe('s1 start app-web-r9')
  })
  test('with keep, Ctrl-C puts back all the same', async () => {
    const { config, running } = shop(3, 'parallel: 1, on_failure: keep')
    const { log, error } = await applied(running, {
      plan: planFor(config, running, { selection: { services: ['web'] } }),
      over: { config },
      answers: { 's2 start app-web-r9': { stdout: 'started\n', hangs: true } },
      interruptAt: ({ step, state, server }) => step === 'start' && state === 'done' && server === 's2',
    })
    expect(error).toMatchObject({ code: 'interrupted' })
    expect(log.at(-1)).toBe('s1 restart app-web-r1')
  })
  test('that leaves a service down which ran before says so: exit 7', async () => {
    const { running } = shop(3)
    const ended = running.map(one => ({
      ...one,
      containers: one.containers.map(each => ({ ...each, isRunning: each.service !== 'worker', exitCode: 1 })),
    }))
    const [, second] = ended
    const down = { 's2 observe': { stdout: second ? saidBy(second) : '' } }
    const answers = { 's2 start app-worker-r9': unhealthy, ...down }
    const { error } = await failing('', answers, { services: ['worker'] })
    expect(error).toMatchObject({
      code: 'release.not-put-back',
      exitStatus: 7,
      message: expect.stringContaining('does not run any more: s2 (worker)'),
    })
  })
  test('whose connection is lost does not claim to know what serves there', async () => {
    const lost = { stdout: 'started\n', lost: true }
    const { error } = await failing('parallel: 1', { 's2 start app-web-r9': lost, 's2 observe': { lost: true } })
    expect(error).toMatchObject({ code: 'server.lost', exitStatus: 4 })
    const states = failedReleaseIn(error)?.services.map(({ server, state }) => `${server} ${state}`)
    expect(states).toEqual(['s1 running', 's2 unreachable', 's3 running'])
  })
})

describe('several failures at once', () => {
  const one = new JijiError('failed', 'one', { output: 'why\n' })
  const two = new JijiError('server.lost', 'two')
  const interrupted = new JijiError('interrupted', 'interrupted')
  const fault = new TypeError('ours')
  const thrown = (...errors: unknown[]) =>
    allTogether(errors.map(error => Promise.reject(error))).catch((error: unknown) => error)

  test('are the first, which tells of the others', async () => {
    expect(await thrown(one, two)).toMatchObject({ code: 'failed', message: 'one', output: 'why\ntwo' })
    expect(await thrown(one)).toBe(one)
  })
  test('are told once each', async () => expect(await thrown(one, one)).toBe(one))
  test('are an interrupt or a fault of ours, where one of them is', async () => {
    expect(await thrown(one, interrupted, interrupted)).toBe(interrupted)
    expect(await thrown(one, fault)).toBe(fault)
  })
  test('are none where all goes well', async () => expect(await allTogether([Promise.resolve(1)])).toBeUndefined())
})

describe('what would be left behind if it ended now', () => {
  const { config, running } = shop(2)
  const plan = planFor(config, running, { selection: { services: ['web'] } })

  test('is each candidate, then what serves and is not on record, and in the end nothing', async () => {
    const { leftAt } = await applied(running, { plan, over: { config } })
    const switched = 'web 9, switched and not on record'
    expect(leftAt).toEqual([
      '',
      'app-web-r9 on s1',
      '',
      `${switched} on s1`,
      `${switched} on s1; app-web-r9 on s2`,
      `${switched} on s1`,
      `${switched} on s1, s2`,
      `${switched} on s2`,
      '',
    ])
  })
  test('is nothing either when all is put back', async () => {
    const answers = { 's2 start app-web-r9': unhealthy }
    const { leftAt } = await applied(running, { plan, answers, over: { config } })
    expect(leftAt.at(-1)).toBe('')
  })
  test('is what could not be put back, and what was begun on a server that is lost', async () => {
    const answers = {
      's1 restart app-web-r1': { code: exits.notStarted, stdout: '' },
      's2 start app-web-r9': { stdout: 'started\n', lost: true },
    }
    const { leftAt } = await applied(running, { plan, answers, over: { config } })
    expect(leftAt.at(-1)).toBe('web 9, switched and not on record on s1; app-web-r9 on s2')
  })
})
