import { describe, expect, test } from 'vitest'
import { select } from '../../src/config/select.ts'
import { auditFailure } from '../../src/deploy/audit.ts'
import type { Event } from '../../src/deploy/event.ts'
import { FailedRelease, failedReleaseIn } from '../../src/deploy/failed-release.ts'
import { planRollback } from '../../src/deploy/plan/rollback.ts'
import { JijiError } from '../../src/errors.ts'
import { exits } from '../../src/shell/engine.ts'
import { configOf } from '../config/deploy-yml.ts'
import { applied } from './applied.ts'
import { type Answer, fakeServers, unhealthy } from './fake.ts'
import { config, observed, planFor, siteOf, twoServers } from './world.ts'

const servers = ['web1', 'web2']
const site = siteOf(config)

/** Both servers run release r1; the worker is on web1 alone. */
const running = servers.map(server =>
  observed({
    server,
    containers: [
      { service: 'web', release: 'r1', hosts: 'app.example.com' },
      ...(server === 'web1' ? [{ service: 'worker', release: 'r1' }] : []),
    ],
    releases: { r1: { web: 'app-web-r1', ...(server === 'web1' ? { worker: 'app-worker-r1' } : {}) } },
    current: 'r1',
    sites: [site],
  }),
)
const fresh = servers.map(server => observed({ server, proxy: undefined }))

describe('a deploy', () => {
  test('pulls on all at once, replaces all on the first server alone, then on the others, and records at the end', async () => {
    const { log, error } = await applied(running)
    expect(error).toBeUndefined()
    expect(log).toEqual([
      'web1 pull web,worker',
      'web2 pull web',
      'web1 start app-web-r9',
      'web1 start app-worker-r9',
      'web2 start app-web-r9',
      'web1 record',
      'web2 record',
      'web1 finish',
      'web2 finish',
    ])
  })
  test('begins with the proxy where there is none, meanwhile with the images', async () => {
    const { log } = await applied(fresh)
    expect(log.slice(0, 4).toSorted()).toEqual([
      'web1 proxy and routes',
      'web1 pull web,worker',
      'web2 proxy and routes',
      'web2 pull web',
    ])
    expect(log.slice(4)).toEqual([
      'web1 start app-web-r9',
      'web1 start app-worker-r9',
      'web2 start app-web-r9',
      'web1 record',
      'web2 record',
      'web1 finish',
      'web2 finish',
    ])
  })
  test('records what runs on each server, and by which digest', async () => {
    const { recordOn } = await applied(running)
    expect(recordOn('web1')).toMatchObject({
      id: 'r9',
      version: '9',
      by: 'me',
      services: {
        web: { image: 'web', digest: 'sha256:web', container: 'app-web-r9' },
        worker: { image: 'worker', digest: 'sha256:worker', container: 'app-worker-r9' },
      },
    })
    expect(Object.keys(recordOn('web2').services)).toEqual(['web'])
  })
  test('of one service keeps the others on record', async () => {
    const plan = planFor(config, running, { selection: { services: ['worker'] } })
    const { recordOn, log } = await applied(running, { plan })
    expect(log).toEqual(['web1 pull worker', 'web1 start app-worker-r9', 'web1 record', 'web1 finish'])
    expect(recordOn('web1').services).toMatchObject({
      web: { container: 'app-web-r1' },
      worker: { container: 'app-worker-r9' },
    })
  })
  test('tells each step as it happens', async () => {
    const { events } = await applied(running, {
      plan: planFor(config, running, { selection: { services: ['worker'] } }),
    })
    expect(events.map(({ step, state }) => `${step} ${state}`)).toEqual([
      'pull begun',
      'pull done',
      'start begun',
      'start done',
      'health done',
      'switch done',
      'drain done',
      'stop done',
      'record begun',
      'record done',
    ])
  })
  test('waits for the images before it replaces anything', async () => {
    const { log, error } = await applied(running, {
      answers: { 'web2 pull web': { code: 1, stdout: 'failed web\n', stderr: 'no route\n' } },
    })
    expect(error).toMatchObject({
      code: 'pull.failed',
      server: 'web2',
      message: 'web2: web could not be pulled: no route',
    })
    expect(log).toEqual(['web1 pull web,worker', 'web2 pull web', 'web2 room'])
  })
})

describe('a hook of a service', () => {
  const migrating = configOf(
    twoServers
      .replace('worker: {image', 'worker: {hooks: {pre_deploy: ./migrate}, image')
      .replace('    image: web\n', '    image: web\n    hooks: {pre_deploy: [./migrate, "2"]}\n'),
  )
  const plan = planFor(migrating, running)
  const hooked = (answers: Record<string, Answer> = {}) =>
    applied(running, { answers, plan, over: { config: migrating } })

  test('is planned on the first of its servers alone', () => {
    const hooks = plan.servers.map(({ replacements }) => replacements.map(({ hook }) => hook))
    expect(hooks).toEqual([
      [
        { container: 'app-web-r9-hook', command: ['./migrate', '2'] },
        { container: 'app-worker-r9-hook', command: ['sh', '-c', './migrate'] },
      ],
      [undefined],
    ])
  })
  test('runs when the images are there, and before anything is replaced', async () => {
    const { log, error } = await hooked()
    expect(error).toBeUndefined()
    expect(log.slice(0, 5)).toEqual([
      'web1 pull web,worker',
      'web2 pull web',
      'web1 hook app-web-r9-hook',
      'web1 hook app-worker-r9-hook',
      'web1 start app-web-r9',
    ])
  })
  test('is heard', async () => {
    const { events } = await hooked({ 'hook app-web-r9-hook': { stdout: 'moving\nmoved\n' } })
    const said = events.filter(({ step, service }) => step === 'hook' && service === 'web')
    expect(said.map(({ state, detail }) => `${state} ${detail}`)).toEqual([
      'begun pre_deploy',
      'note moving',
      'note moved',
      'done pre_deploy',
    ])
  })
  test.each<[Answer, string]>([
    [{ code: exits.hookFailed, stdout: 'no table\nstatus 3\n' }, 'ended with status 3'],
    [{ code: exits.hookFailed, stdout: 'status 127\n', stderr: 'no ./migrate\n' }, 'status 127: no ./migrate'],
    [{ code: 1, stdout: '', stderr: 'no network\n' }, 'ended with status 1: no network'],
    [{ code: exits.lockLost, stdout: '' }, 'because the lock was lost meanwhile'],
  ])('that fails (%j) stops the release, with nothing replaced', async (answer, message) => {
    const { log, error, events } = await hooked({ 'hook app-web-r9-hook': answer })
    expect(error).toMatchObject({ server: 'web1', message: expect.stringContaining(message) })
    expect(log.at(-1)).toBe('web1 hook app-web-r9-hook')
    expect(events.filter(({ detail }) => detail?.startsWith('status '))).toEqual([])
  })
})

describe('an unhealthy release', () => {
  test('on the first server stops there', async () => {
    const { log, error } = await applied(running, { answers: { 'start app-web-r9': unhealthy } })
    expect(error).toMatchObject({
      code: 'release.unhealthy',
      exitStatus: 6,
      server: 'web1',
      message: 'web1: web did not become healthy: /up answered 503 in 60 s',
      output: 'the database\nis missing',
      hint: 'the version before still serves',
    })
    expect(log).toEqual(['web1 pull web,worker', 'web2 pull web', 'web1 start app-web-r9'])
  })
  test.each([
    [
      '/up gave no answer in 60 s',
      'does web listen on its app_port, and on all addresses (0.0.0.0), not on 127.0.0.1 alone?',
    ],
    ['/up answered 404 in 60 s', 'proxy.healthcheck.path says what is asked for, and must be answered with 2xx or 3xx'],
  ])('is told what is most often behind %s', async (reason, advice) => {
    const answer = { ...unhealthy, stdout: `started\nreason ${reason}\n` }
    const { error } = await applied(running, { answers: { 'start app-web-r9': answer } })
    expect(error).toMatchObject({ hint: `the version before still serves; ${advice}` })
  })
  test('on the second server puts the first one back', async () => {
    const { log, error, scripts } = await applied(running, { answers: { 'web2 start app-web-r9': unhealthy } })
    expect(error).toMatchObject({ code: 'release.unhealthy', server: 'web2' })
    expect(log.slice(2, 5)).toEqual(['web1 start app-web-r9', 'web1 start app-worker-r9', 'web2 start app-web-r9'])
    expect(log.slice(5)).toEqual(['web1 restart app-worker-r1', 'web1 restart app-web-r1'])
    const back = String(scripts.at(-1)?.script)
    expect(back).toContain('docker rm -f app-web-r9')
    expect(back).toContain('rm -f /jiji/live/app/web.b')
  })
  test('of the second service puts the first back, before either is on a second server', async () => {
    const { log } = await applied(running, { answers: { 'start app-worker-r9': unhealthy } })
    expect(log.slice(2)).toEqual(['web1 start app-web-r9', 'web1 start app-worker-r9', 'web1 restart app-web-r1'])
  })
  test('that is the first removes what it has started, and promises no version before', async () => {
    const { log, error } = await applied(fresh, { answers: { 'web2 start app-web-r9': unhealthy } })
    expect(error?.hint).toBeUndefined()
    const taken = ['web1 docker rm -f app-worker-r9', 'web1 docker rm -f app-web-r9']
    expect(log.slice(6, 9)).toEqual(['web2 start app-web-r9', ...taken])
    // Nothing routes to what is not there: both go back to the routes before, which are none.
    expect(log.slice(9).map(line => /^\S+ docker exec jiji-proxy .*\.old/s.test(line))).toEqual([true, true])
  })
  test('that cannot be put back says where, what serves there now, and why: exit 7', async () => {
    const { error, events } = await applied(running, {
      answers: {
        'web1 start app-worker-r9': unhealthy,
        'web1 restart app-web-r1': { code: 95, stdout: '', stderr: 'disk full\n' },
      },
    })
    expect(error).toMatchObject({
      code: 'release.not-put-back',
      exitStatus: 7,
      message:
        'web1: worker did not become healthy: /up answered 503 in 60 s; not put back: web1 (web serves 9, not r1)',
      output: 'the database\nis missing\nweb1: web: web1: web could not be started: disk full',
    })
    expect(events).toContainEqual({ step: 'put back', state: 'failed', server: 'web1', service: 'web' })
  })
  test('that is put back, and whose container cannot be stopped, serves nowhere', async () => {
    const { error } = await applied(running, {
      answers: {
        'web2 start app-web-r9': unhealthy,
        'web1 restart app-web-r1': { stdout: 'started\nhealthy\nswitched\n', lost: true },
      },
    })
    expect(error).toMatchObject({ code: 'release.unhealthy' })
  })
  test.each<[string, Answer, string]>([
    ['first release', { code: 1, stderr: 'no engine\n' }, 'web1: web: no engine'],
    ['first release whose lock is lost', { code: exits.lockLost }, 'web1: web: web1: app-web-r9 was not taken away'],
  ])('that cannot be taken away, a %s', async (_, answer, why) => {
    const { error, log } = await applied(fresh, {
      answers: { 'web2 start app-web-r9': unhealthy, 'web1 docker rm -f app-web-r9': answer },
    })
    expect(error).toMatchObject({ exitStatus: 7, message: expect.stringContaining('web1 (web serves 9)') })
    expect(error?.output).toContain(why)
    // What serves there needs its routes.
    expect(log.filter(line => /\.old/.test(line)).map(line => line.slice(0, 4))).toEqual(['web2'])
  })
})

describe('a switch that fails', () => {
  test('has undone itself: putting it back again would stop what serves', async () => {
    const answer = { code: 96, stdout: 'started\nhealthy\n', stderr: 'no proxy\n' }
    const { log } = await applied(running, { answers: { 'web1 start app-web-r9': answer } })
    expect(log.slice(2)).toEqual(['web1 start app-web-r9'])
  })
})

describe('other failures', () => {
  test.each<[string, Answer, object]>([
    [
      'a container that cannot be started',
      { code: 95, stdout: '', stderr: 'port is taken\n' },
      { code: 'engine.failed', message: 'web1: web could not be started: port is taken' },
    ],
    ['an engine that has gone', { code: 92, stdout: '', stderr: 'no socket\n' }, { code: 'engine.failed' }],
    [
      'anything else',
      { code: 3, stdout: '', stderr: '' },
      { code: 'failed', message: 'web1: web could not be replaced: without a word' },
    ],
  ])('%s', async (_, answer, expected) => {
    const { error } = await applied(running, { answers: { 'web1 start app-web-r9': answer } })
    expect(error).toMatchObject({ server: 'web1', ...expected })
  })
  test.each<[string, Answer, object]>([
    [
      'proxy and routes',
      { code: 125, stderr: 'port 80 is in use\n' },
      { code: 'engine.failed', hint: expect.stringContaining('port 80') },
    ],
    [
      'proxy and routes',
      { code: 1, stdout: 'started\n', stderr: 'Caddyfile:2: no\n' },
      { code: 'engine.failed', output: 'Caddyfile:2: no\n' },
    ],
  ])('with the %s stop before anything is replaced', async (deed, answer, expected) => {
    const { error, log } = await applied(fresh, { answers: { [`web2 ${deed}`]: answer } })
    expect(error).toMatchObject({ server: 'web2', ...expected })
    expect(log.filter(line => line.includes('start'))).toEqual([])
  })
  test('to record put everything back, on record too, and say what serves', async () => {
    const { error, log, scripts } = await applied(running, {
      answers: { 'web1 record': { code: 1, stderr: 'No space left\n' } },
    })
    expect(error).toMatchObject({
      code: 'failed',
      message: 'web1: the release could not be recorded: No space left',
      hint: 'is the disk full, or read-only?',
    })
    const after = log.slice(log.indexOf('web2 record') + 1)
    expect(after.slice(0, 3).toSorted()).toEqual([
      'web1 restart app-web-r1',
      'web1 restart app-worker-r1',
      'web2 restart app-web-r1',
    ])
    expect(after.slice(3)).toEqual(['web1 withdraw', 'web2 withdraw'])
    expect(String(scripts.at(-1)?.script)).toContain('rm -f "$state"/releases/r9.json')
    expect(failedReleaseIn(error)?.services.map(one => `${one.server} ${one.service} ${one.version}`)).toEqual([
      'web1 web r1',
      'web2 web r1',
      'web1 worker r1',
    ])
  })
  test('to record over a lost connection are mended by another one', async () => {
    const answer: Answer = { lost: true }
    const reconnect = async () => {
      answer.lost = false
    }
    const { error, log } = await applied(running, { answers: { 'web2 record': answer }, over: { reconnect } })
    expect(error).toBeUndefined()
    expect(log.filter(line => line === 'web2 record')).toHaveLength(2)
    expect(log).not.toContain('web2 withdraw')
  })
  test('to withdraw a record are said as well, and not where the release serves after all', async () => {
    const full = { code: 1, stderr: 'No space left\n' }
    const { error, log } = await applied(running, {
      answers: { 'web1 record': full, 'web1 restart app-web-r1': full, 'web2 withdraw': full },
    })
    expect(error).toMatchObject({ code: 'release.not-put-back' })
    expect(error?.output).toContain('web2: r9 may be on record there, and does not run: No space left')
    expect(log).not.toContain('web1 withdraw')
  })
  test('to tidy up afterwards leave the release as it is, and say so', async () => {
    const { error, log } = await applied(running, {
      answers: { 'web1 finish': { code: 1, stderr: 'No space left\n' } },
    })
    expect(error).toMatchObject({
      code: 'failed',
      message: 'web1: its audit could not be written: No space left; the release serves, and is on record',
    })
    expect(log.at(-1)).toBe('web2 finish')
    expect(failedReleaseIn(error)?.kept).toEqual(new Set(['web2']))
  })
})

describe('an interrupted deploy', () => {
  const at = (step: Event['step'], server?: string) => (event: Event) =>
    event.step === step && event.state !== 'note' && (server === undefined || event.server === server)

  test('puts back what had been switched before', async () => {
    const { log, error } = await applied(running, {
      answers: { 'web2 start app-web-r9': { stdout: 'started\n', hangs: true } },
      interruptAt: at('start', 'web2'),
    })
    expect(error).toMatchObject({ code: 'interrupted' })
    expect(log).toContain('web1 restart app-web-r1')
    expect(log).not.toContain('web2 restart app-web-r1')
    expect(log.filter(line => line.includes('record'))).toEqual([])
  })
  test('puts back also what it was just switching, which goes through to its end', async () => {
    const { log, error } = await applied(running, {
      answers: { 'web1 start app-web-r9': { stdout: 'started\nhealthy\nswitched\n', hangs: true } },
      interruptAt: at('switch', 'web1'),
    })
    expect(error).toMatchObject({ code: 'interrupted' })
    expect(log.slice(-2)).toEqual(['web1 start app-web-r9 ended', 'web1 restart app-web-r1'])
  })
  test.each<[string, string, boolean]>([
    ['web1 start app-web-r9', 'started\nhealthy\n', false],
    ['web1 start app-worker-r9', 'started\n', false],
    ['web1 start app-worker-r9', 'started\nhealthy\n', true],
  ])('at %s after %j: put back %s', async (deed, stdout, isPutBack) => {
    const last = stdout.includes('healthy') ? 'health' : 'start'
    const { log } = await applied(running, {
      answers: { [deed]: { stdout, hangs: true } },
      interruptAt: event => event.step === last && event.state === 'done' && deed.includes(`-${event.service}-`),
    })
    expect(log.includes(deed.replace('start', 'restart').replace('r9', 'r1'))).toBe(isPutBack)
  })
  test('in a pull replaces nothing', async () => {
    const { log, error } = await applied(running, {
      answers: { 'web2 pull web': { hangs: true } },
      interruptAt: at('pull', 'web1'),
    })
    expect(error).toMatchObject({ code: 'interrupted' })
    expect(log.filter(line => line.includes('start'))).toEqual([])
  })
})

describe('a rollback', () => {
  const after = servers.map(server =>
    observed({
      server,
      containers: [
        { service: 'web', release: 'r1', slot: 'a', isRunning: false, hosts: 'app.example.com' },
        { service: 'web', release: 'r2', slot: 'b', hosts: 'app.example.com' },
      ],
      releases: { r1: { web: 'app-web-r1' }, r2: { web: 'app-web-r2' } },
      current: 'r2',
      live: ['web'],
      sites: [site],
    }),
  )
  const plan = planRollback({
    config,
    selected: select(config, { services: ['web'] }),
    observations: after,
    isPartial: true,
  })

  test('starts the containers of the release before, and pulls nothing', async () => {
    const { log, error } = await applied(after, { plan })
    expect(error).toBeUndefined()
    expect(log.slice(0, 2)).toEqual(['web1 restart app-web-r1', 'web2 restart app-web-r1'])
    expect(log.slice(2)).toEqual(['web1 record', 'web2 record', 'web1 finish', 'web2 finish'])
  })
  test('that fails halfway keeps the containers of both releases', async () => {
    const { log, scripts } = await applied(after, { plan, answers: { 'web2 restart app-web-r1': unhealthy } })
    expect(log).toEqual(['web1 restart app-web-r1', 'web2 restart app-web-r1', 'web1 restart app-web-r2'])
    for (const { script } of scripts) expect(String(script)).not.toMatch(/docker rm/)
  })
  test('that fails halfway keeps them also where nothing ran', async () => {
    const nothingRan = after.map(one => ({
      ...one,
      containers: one.containers.filter(({ release }) => release === 'r1'),
    }))
    const { log } = await applied(nothingRan, {
      plan: planRollback({
        config,
        selected: select(config, { services: ['web'] }),
        observations: nothingRan,
        isPartial: true,
      }),
      answers: { 'web2 restart app-web-r1': unhealthy },
    })
    expect(log.at(-1)).toBe('web1 docker stop app-web-r1')
  })
})

describe('the audit of a failure', () => {
  test('is not of servers that keep the release', async () => {
    const { scripts, runners } = fakeServers(servers)
    const error = new FailedRelease(new JijiError('servers.partial', 'no'), [], new Set(['web1']))
    const context = { runners, actor: { by: 'me', host: 'laptop', who: { login: 'me' } }, scope: 'app' }
    await auditFailure({ ...context, mask: text => text }, planFor(config, running), error)
    expect(scripts.map(({ server, deed }) => `${server} ${deed}`)).toEqual(['web2 audit'])
  })
  test.each<[unknown, string, string]>([
    [new JijiError('interrupted', 'interrupted'), 'interrupted', 'interrupted'],
    [new JijiError('release.unhealthy', 'no'), 'rolled-back', 'no'],
    [new JijiError('pull.failed', 'denied'), 'failed', 'denied'],
    [new TypeError('ours'), 'failed', 'ours'],
    ['text', 'failed', 'text'],
    [new Error('no hunter2 here'), 'failed', 'no [TOKEN] here'],
  ])('%s: %s', async (error, result, reason) => {
    const { scripts, runners } = fakeServers(servers, { 'web1 audit': { code: 1 } })
    const mask = (text: string) => text.replace('hunter2', '[TOKEN]')
    const actor = { by: 'me', host: 'laptop', who: { login: 'me@laptop', git: 'me@example.com' } }
    await auditFailure({ runners, actor, scope: 'app', mask }, planFor(config, running), error)
    expect(scripts.map(({ server, deed }) => `${server} ${deed}`)).toEqual(['web1 audit', 'web2 audit'])
    const entry = JSON.parse(/'(\{"at".*\})'/.exec(scripts[0]?.script.render() ?? '')?.[1] ?? 'null')
    expect(entry).toMatchObject({ action: 'deploy', result, reason, from: 'r1', to: '9', services: ['web', 'worker'] })
    expect(entry).toMatchObject({ by: 'me', ...actor.who })
  })
})
