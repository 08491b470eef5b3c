import { Chalk } from 'chalk'
import { describe, expect, test } from 'vitest'
import type { Problem } from '../../src/config/problem.ts'
import type { Event } from '../../src/deploy/event.ts'
import type { ServiceStatus } from '../../src/deploy/status.ts'
import { renderAge } from '../../src/ui/age.ts'
import { renderEvent } from '../../src/ui/event.ts'
import { renderStates } from '../../src/ui/findings.ts'
import { leftBehind } from '../../src/ui/left-behind.ts'
import { renderPlan, renderRelease } from '../../src/ui/plan.ts'
import { renderProblem } from '../../src/ui/problems.ts'
import { servingTable } from '../../src/ui/serving.ts'
import { configOf } from '../config/deploy-yml.ts'
import { folderWith } from '../config/folder.ts'
import { config, observed, planFor, siteOf, twoServers } from '../deploy/world.ts'

describe('an age', () => {
  const now = new Date('2026-01-31T12:00:00Z')
  test.each<[string | undefined, string]>([
    [undefined, '-'],
    ['', '-'],
    ['nonsense', '-'],
    ['0001-01-01T00:00:00Z', '739646d 12h'],
    ['2026-01-31T12:00:00Z', '0s'],
    ['2026-01-31T13:00:00Z', '0s'],
    ['2026-01-31T11:59:59.5Z', '0s'],
    ['2026-01-31T11:59:18Z', '42s'],
    ['2026-01-31T11:59:00Z', '1m'],
    ['2026-01-31T11:56:30Z', '3m'],
    ['2026-01-31T11:00:00Z', '1h'],
    ['2026-01-31T09:55:00Z', '2h 5m'],
    ['2026-01-30T12:00:00Z', '1d'],
    ['2026-01-27T11:00:00Z', '4d 1h'],
    ['2026-01-27T11:59:00Z', '4d'],
    ['2026-01-31T11:00:00.123456789Z', '59m'],
    ['2026-01-31T12:00:00+01:00', '1h'],
  ])('since %s: %s', (since, age) => expect(renderAge(since, now)).toBe(age))
})

describe('a problem', () => {
  const folder = folderWith({
    'deploy.yml': 'project: x\nservices:\n  web: {imag: a}\n',
    'secret.yml':
      'builder:\n  registry: {server: a.b, usernam: me, password: hunter2}\n  password: "hunter2"\n  password: TOKEN\n',
  })
  const problem: Problem = {
    file: `${folder}/deploy.yml`,
    line: 3,
    column: 9,
    path: 'services.web.imag',
    code: 'unknown-key',
    message: 'unknown key imag',
    hint: 'did you mean image?',
  }
  test('is shown with its line and what to do', () => {
    expect(renderProblem(problem, folder)).toBe(`deploy.yml:3:9: services.web.imag: unknown key imag
  3 |   web: {imag: a}
    |         ^
  did you mean image?`)
  })
  test('is shown from where one stands', () => {
    expect(renderProblem(problem, `${folder}/a`)).toMatch(/^\.\.\/deploy\.yml:3:9: /)
  })
  test.each<[string, Partial<Problem>]>([
    ['file is gone', { file: `${folder}/nope.yml` }],
    ['line is not there', { line: 99 }],
    ['line is empty', { line: 4 }],
  ])('whose %s has no excerpt', (_, over) => {
    expect(renderProblem({ ...problem, ...over, path: '' }, folder).split('\n')).toEqual([
      expect.stringMatching(/: unknown key imag$/),
      '  did you mean image?',
    ])
  })
  test('on a line with tabs keeps its mark in place', () => {
    const file = `${folderWith({ a: 'a:\n\tb: c' })}/a`
    expect(renderProblem({ ...problem, file, line: 2, column: 2 }, folder)).toContain('\n  2 | \tb: c\n    | \t^\n')
  })
  test('on a long line shows as much of it as fits, with the mark in its place', () => {
    const long = `    proxy: {app_port: 3000, hosts: [app.example.com], path: up, ssl: ${'y'.repeat(60)}}`
    const file = `${folderWith({ a: long })}/a`
    const shownAt = (column: number, width: number) =>
      renderProblem({ ...problem, file, line: 1, column, hint: '' }, '/', { width })
        .split('\n')
        .slice(1)
    const beginning = shownAt(5, 40)
    expect(beginning).toEqual(['  1 |     proxy: {app_port: 3000, hos...', '    |     ^'])
    for (const column of [5, 30, long.indexOf('up') + 1, long.indexOf('y'.repeat(60)) + 1, long.length]) {
      const [line = '', mark = ''] = shownAt(column, 40)
      expect(line.length).toBeLessThanOrEqual(40)
      expect(line[mark.indexOf('^')]).toBe(long[column - 1])
    }
    expect(shownAt(5, 200)).toEqual([`  1 | ${long}`, '    |     ^'])
  })
  test('on a line with wide characters keeps its mark in place', () => {
    const file = `${folderWith({ a: '{日本: e\u0301, b: c}' })}/a`
    expect(renderProblem({ ...problem, file, line: 1, column: 10 }, '/')).toContain(`\n    | ${' '.repeat(10)}^\n`)
  })
  test('on a line with a secret that is masked is never cut, since half a secret would not be', () => {
    const file = `${folderWith({ a: `a: ${'x'.repeat(20)} my long secret ${'y'.repeat(60)}` })}/a`
    const mask = (text: string) => text.replaceAll('my long secret', '[TOKEN]')
    const text = renderProblem({ ...problem, file, line: 1, column: 1 }, '/', { width: 30, mask })
    expect(mask(text)).toContain(`[TOKEN] ${'y'.repeat(60)}`)
  })
  test.each([2, 3])('never shows a secret that stands in the file (line %i)', line => {
    const file = `${folder}/secret.yml`
    for (const code of ['literal-secret', 'unknown-key'] as const)
      expect(renderProblem({ ...problem, file, line, code }, folder)).not.toContain('hunter2')
    expect(renderProblem({ ...problem, file, line: 4 }, folder)).toContain('password: TOKEN')
  })
})

describe('an event', () => {
  test.each<[Event, string]>([
    [{ step: 'build', state: 'begun', service: 'web', detail: 'app:1' }, 'web            building app:1'],
    [{ step: 'start', state: 'done', server: 'web1', service: 'web' }, 'web1 web       started'],
    [{ step: 'health', state: 'failed', server: 'web1', service: 'web' }, 'web1 web       health failed'],
    [{ step: 'build', state: 'stopped', service: 'web' }, 'web            build stopped'],
    [{ step: 'drain', state: 'note', server: 'web1', detail: 'still running' }, 'web1           still running'],
    [{ step: 'lock', state: 'done' }, 'locked'],
  ])('%j', (event, line) => expect(renderEvent(event, new Chalk({ level: 0 }))).toBe(line))
})

describe('a plan', () => {
  const running = observed({
    containers: [
      { service: 'web', release: 'r1', hosts: 'app.example.com' },
      { service: 'cron', release: 'r1' },
    ],
    releases: { r1: { web: 'app-web-r1', cron: 'app-cron-r1' } },
    current: 'r1',
    sites: [siteOf(config)],
  })
  test('of a first deploy', () => {
    const built = configOf(twoServers.replace('image: web', 'build: {}'), 'ssh: {user: a}')
    expect(
      renderPlan(
        planFor(
          built,
          ['web1', 'web2'].map(server => observed({ server, proxy: undefined })),
        ),
      ),
    ).toBe(
      `deploy app 9 (staging)
  build web as localhost:9270/app-web:9
  web1 (docker)
    start the proxy
    route app.example.com
    web: start localhost:9270/app-web:9
    worker: start worker
  web2 (docker)
    start the proxy
    route app.example.com
    web: start localhost:9270/app-web:9
  in turn: web1 | web2`,
    )
  })
  test('with servers that get images from others', () => {
    const built = twoServers.replace('image: web', 'build: {}').replace('{host: b}', '{host: b, seed: web1}')
    const observations = ['web1', 'web2'].map(server => observed({ server }))
    expect(renderPlan(planFor(configOf(built), observations))).toContain('  web2 (docker)\n    get images from web1\n')
  })
  test('of the next', () => {
    const plan = planFor(configOf(`${twoServers}deploy: {retain: 1}`), [running], { selection: { hosts: ['web1'] } })
    expect(renderPlan(plan)).toBe(`deploy app 9
  web1 (docker)
    web: r1 -> web
    worker: start worker
    stop app-cron-r1: no longer in the configuration
    remove app-web-r1, app-cron-r1`)
  })
  test('with the turns that its servers take', () => {
    const names = Array.from({ length: 20 }, (_, index) => `s${index + 1}`)
    const turnsOf = (deploy: string, count: number) => {
      const text = `project: app
servers: {${names.map(name => `${name}: {host: a}`)}}
services: {web: {image: web, hosts: [${names.slice(0, count)}]}}
deploy: {${deploy}}
`
      const plan = planFor(
        configOf(text),
        names.map(server => observed({ server })),
      )
      return /in turn: .*/.exec(renderPlan(plan))?.[0]
    }
    expect(turnsOf('', 1)).toBeUndefined()
    expect(turnsOf('', 3)).toBe('in turn: s1 | s2, s3')
    expect(turnsOf('', 20)).toBe('in turn: s1 | s2, s3, s4, s5, s6 and 14 more')
    expect(turnsOf('parallel: 2, wait: 90s, on_failure: keep', 4)).toBe(
      'in turn: s1 | s2, s3 | s4, with 90 s between; a failure keeps what was switched',
    )
    expect(turnsOf('parallel: 1', 6)).toBe('in turn: s1 | s2 | s3 | s4 | s5 | s6')
    expect(turnsOf('parallel: 1', 20)).toBe('in turn: s1 | s2 | s3 | s4 | s5 | 15 more rounds')
  })
  test('of many servers says once what is the same on several', () => {
    const names = Array.from({ length: 20 }, (_, index) => `s${index + 1}`)
    const text = `project: app
servers: {${names.map(name => `${name}: {host: a}`)}}
services: {web: {image: web, hosts: [${names}]}}
`
    const fresh = names.map(server => observed({ server }))
    expect(renderPlan(planFor(configOf(text), fresh))).toBe(`deploy app 9
  s1, s2, s3, s4, s5 and 15 more (docker)
    web: start web
  in turn: s1 | s2, s3, s4, s5, s6 and 14 more`)
    const other = observed({ server: 's1', containers: [{ service: 'web', release: 'r1' }] })
    const plan = planFor(configOf(text), [other, ...fresh.slice(1)])
    expect(renderPlan(plan)).toContain(`  s1 (docker)
    web: r1 -> web
    remove app-web-r1
  s2, s3, s4, s5, s6 and 14 more (docker)
    web: start web
`)
    expect(
      renderRelease(plan, configOf(text), 1000),
    ).toBe(`SERVICE  SERVER                          BEFORE  NOW  ADDRESS
web      s1                              r1      9
web      s2, s3, s4, s5, s6 and 14 more  -       9
deployed app 9 in 1.0 s`)
  })
  test('once it is done, of more services and servers than one reads line by line, says once what is the same', () => {
    const names = ['s1', 's2', 's3', 's4']
    const services = ['a', 'b', 'c'].map(name => `${name}: {image: web, hosts: [${names}]}`)
    const text = `project: app\nservers: {${names.map(name => `${name}: {host: a}`)}}\nservices: {${services}}\n`
    const plan = planFor(
      configOf(text),
      names.map(server => observed({ server })),
    )
    expect(renderRelease(plan, configOf(text), 1000)).toBe(`SERVICE  SERVER          BEFORE  NOW  ADDRESS
a        s1, s2, s3, s4  -       9
b        s1, s2, s3, s4  -       9
c        s1, s2, s3, s4  -       9
deployed app 9 in 1.0 s`)
  })
  test('once it is done, where a table is too wide for the terminal, cuts no address', () => {
    const plan = planFor(config, [observed({ server: 'web1' }), observed({ server: 'web2' })])
    const wide = renderRelease(plan, config, 4250, [], 80)
    expect(wide).toMatch(/^SERVICE .*\nweb +web1 +- +9 +http/)
    expect(renderRelease(plan, config, 4250, [], 40)).toBe(`web on web1, web2: 9
  http://app.example.com
worker on web1: 9
deployed app 9 in 4.3 s`)
  })
  test('once it is done', () => {
    const plan = planFor(config, [running], { selection: { hosts: ['web1'] } })
    expect(renderRelease(plan, config, 4250)).toBe(`SERVICE  SERVER  BEFORE  NOW  ADDRESS
web      web1    r1      9    http://app.example.com
worker   web1    -       9
deployed app 9 in 4.3 s`)
    const other = configOf(`${twoServers.replace('app_port', 'ssl: true, app_port')}proxy: {https_port: 8443}`)
    expect(renderRelease({ ...plan, action: 'rollback' }, other, 500)).toMatch(
      /https:\/\/app\.example\.com:8443\n[\s\S]*went back to app 9 in 500 ms$/,
    )
  })
})

describe('what serves after a release that has failed', () => {
  const one = (server: string, service: string, over: Partial<ServiceStatus> = {}): ServiceStatus => ({
    ...{ server, service, version: 'v1', state: 'running', health: 'unknown', routes: [], certificates: [] },
    ...over,
  })
  test('is a row for all servers that serve the same', () => {
    const nothing = { state: 'missing', health: 'down', version: undefined } as never
    expect(
      servingTable([
        ...['s1', 's2', 's3', 's4'].map(server => one(server, 'web', server === 's2' ? { version: 'v2' } : {})),
        one('s1', 'worker'),
        one('s1', 'worker'),
        one('s3', 'worker'),
        one('s4', 'worker', { state: 'exited', health: 'down', reason: 'ended with status 3' }),
        one('s5', 'web', nothing),
        one('s6', 'web', { state: 'unreachable' }),
      ]),
    ).toEqual({
      head: ['serves now', 'on'],
      rows: [
        ['web v1, worker v1', 's1, s3'],
        ['web v2', 's2'],
        ['web v1, worker: nothing, v1 ended with status 3', 's4'],
        ['web: nothing', 's5'],
        ['web: not known', 's6'],
      ],
    })
  })
})

describe('what is left behind by a second Ctrl-C', () => {
  test('is a row for all servers with the same, of what was begun and did not end', () => {
    const left = leftBehind()
    const hear = (state: Event['state'], ...events: Omit<Event, 'state'>[]) => {
      for (const event of events) left.hear({ ...event, state })
    }
    hear('held', ...['s2', 's1', 's3'].map(server => ({ step: 'lock' as const, server })))
    hear('held', { step: 'tunnel', server: 's1' }, { step: 'tunnel', server: 's3' })
    hear('held', { step: 'switch', server: 's2', service: 'web', detail: 'v2' })
    hear('held', { step: 'start', server: 's2', service: 'worker', detail: 'shop-worker-1' })
    hear('held', { step: 'lock', server: 's4' })
    hear('let go', { step: 'lock', server: 's4' })
    hear('done', { step: 'lock', server: 's1' })
    expect(left.servers()).toEqual(['s1', 's2', 's3'])
    expect(left.render()).toBe(`MAY BE LEFT                                                  ON
the lock, a tunnel                                           s1, s3
the lock, web v2, switched and not on record, shop-worker-1  s2`)
  })
})

test('what checks came to takes a line for each state of a place', () => {
  const finding = (place: string, check: string, state: 'ok' | 'problem' | 'warning' = 'ok') =>
    ({ place, check, state, message: 'seen' }) as const
  expect(
    renderStates([
      finding('here', 'engine'),
      finding('web1', 'ssh'),
      finding('web1', 'dns', 'warning'),
      finding('web1', 'dns', 'warning'),
      finding('web1', 'ports', 'problem'),
      finding('web1', 'disk'),
    ]),
  ).toBe('here  ok: engine\nweb1  ok: ssh, disk\nweb1  problem: ports\nweb1  warning: dns')
})
