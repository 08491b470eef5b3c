import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secrets } from '../../src/config/secrets.ts'
import type { ApplyContext } from '../../src/deploy/apply-context.ts'
import type { Event } from '../../src/deploy/event.ts'
import { getImages } from '../../src/deploy/images.ts'
import { JijiError } from '../../src/errors.ts'
import type { Connection, Runner } from '../../src/runner/runner.ts'
import { configOf } from '../config/deploy-yml.ts'
import { localImages } from '../registry/local-images.ts'
import { type Answer, fakeServers } from './fake.ts'
import { observed, planFor } from './world.ts'

const content = `sha256:${'c'.repeat(64)}`

describe('images that are built here', () => {
  const registry = localImages()
  let server: Server
  let port: number
  const make = registry.image({ layer: 50_000_000 }, { rootfs: { diff_ids: [content] } })
  const digest = registry.put('app-web', make, '9')
  const id = (make.config as { digest: string }).digest
  beforeAll(async () => {
    server = createServer(registry.listener)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => void server.close().closeAllConnections())

  /** Gets them to three servers; `find images` there finds what was handed on. */
  async function got(
    answers: Record<string, Answer> = {},
    { servers = '', hosts = { web2: 'b' } as Record<string, string>, reconnects = true, interruptAt = '' } = {},
  ) {
    const config = configOf(`project: app
builder: {registry: {type: local, port: ${port}}}
servers: {web1: {host: a}, web2: {host: b}, web3: {host: c${servers}}, web4: {host: d}}
services:
  web: {build: {}, hosts: [web1, web2, web3]}
  db: {image: redis, hosts: [web2]}
`)
    const names = ['web1', 'web2', 'web3']
    const name = `localhost:${port}/app-web:9`
    const found = { stdout: `image ${name} ${id}\n` }
    const fake = fakeServers(names, {
      'find images': found,
      try: { stdout: 'trusted web2\ntrusted web3\n' },
      ...answers,
    })
    const interrupt = new AbortController()
    const connect = (runner: Runner): Connection => ({
      ...runner,
      read: () => {
        throw new Error('nothing is read here')
      },
      address: { user: 'me', host: hosts[runner.server] ?? runner.server, port: 22, hostKey: 'ssh-ed25519 AAAA' },
      forward: async () => ({ port, close: async () => {} }),
      dial: () => Promise.reject(new JijiError('tunnel.failed', 'no')),
      run: async (script, options) => {
        const output = await runner.run(script, options)
        if (output.stderr === 'lost\n') throw new JijiError('server.lost', 'the connection was lost')
        return output
      },
    })
    const runners = new Map([...fake.runners].map(([server, runner]) => [server, connect(runner)]))
    const events: Event[] = []
    const context: ApplyContext = {
      config,
      secrets: new Secrets(new Map()),
      runners,
      observations: [],
      owner: { by: 'me', host: 'laptop', since: 'now', command: 'deploy' },
      actor: { by: 'me', host: 'laptop', who: { login: 'me@laptop' } },
      signal: interrupt.signal,
      report: event => {
        events.push(event)
        if (`${event.server} ${event.step} ${event.state}` === interruptAt)
          interrupt.abort(new JijiError('interrupted', 'interrupted'))
      },
      ...(reconnects ? { reconnect: async server => void fake.log.push(`${server} connected again`) } : {}),
    }
    const plan = planFor(
      config,
      names.map(server => observed({ server })),
      { selection: { hosts: names } },
    )
    const result = await getImages(context, plan, async () => new Map([[name, digest]])).catch(
      (error: unknown) => error,
    )
    const said = events
      .filter(({ step }) => step === 'seed')
      .map(({ server, state, detail }) => `${server} ${state}: ${detail}`)
    const log = fake.log.filter(line => !line.endsWith('holdings'))
    return { result, said, log, scripts: fake.scripts, name }
  }

  test('go to one server, which hands them on to those that it may log in to', async () => {
    const { result, log, said, scripts, name } = await got()
    expect(log.toSorted()).toEqual([
      'web1 give web2',
      'web1 give web3',
      'web1 pull web',
      'web1 try web2,web3',
      'web2 find images',
      'web2 pull db',
      'web3 find images',
    ])
    expect(log.indexOf('web1 pull web')).toBeLessThan(log.indexOf('web1 give web2'))
    expect(log.indexOf('web2 pull db')).toBeLessThan(log.indexOf('web2 find images'))
    expect(said).toEqual([
      'web1 done: from here, and hands them on to web2, web3',
      'web2 done: from web1, over SSH between them, which may log in to me@b',
      'web3 done: from web1, over SSH between them, which may log in to me@web3',
    ])
    expect(result).toEqual(
      new Map([
        ['web1', new Map([['web', digest]])],
        [
          'web2',
          new Map([
            ['db', 'sha256:db'],
            ['web', digest],
          ]),
        ],
        ['web3', new Map([['web', digest]])],
      ]),
    )
    const given = String(scripts.find(({ deed }) => deed === 'give web2')?.script)
    expect(given).toContain("printf '%s\\n' 'web2 ssh-ed25519 AAAA' >\"$private\"/known_hosts")
    expect(given).toContain(`docker save ${name} | ssh -axT -oBatchMode=yes`)
    expect(given).toContain(
      `-p 22 -l me -- b 'sh -c '\\''PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin; exec docker load -q'\\'''`,
    )
  })

  test.each<[string, Answer, string, string]>([
    [
      'refuses',
      { stdout: 'trusted web3\nrefused web2 me@b: Permission denied (publickey).\n' },
      'Permission denied (publickey)',
      'put its public key into their authorized_keys',
    ],
    [
      'is not reached',
      { stdout: 'trusted web3\nrefused web2 ssh: connect to host b port 22: Connection timed out\n' },
      'Connection timed out',
      'let it log in to them',
    ],
    ['gives no answer', { stdout: 'trusted web3\n' }, 'no answer in 20 s', 'let it log in to them'],
  ])('go from here to one that %s', async (_, answer, why, remedy) => {
    const { log, said } = await got({ try: answer })
    expect(log).toContain('web2 pull web,db')
    expect(log).toContain('web1 give web3')
    expect(log).not.toContain('web1 give web2')
    expect(said.filter(line => line.includes('web2'))).toEqual([
      `web1 lost: cannot log in to web2 (${why}): images go there from here. To have web1 hand them on, ${remedy}; to be asked no more, write seed: false`,
    ])
  })
  test('go from here to all where the first has no ssh, which is said once', async () => {
    const { log, said } = await got({ try: { stdout: 'no ssh\n' } })
    expect(said).toEqual([expect.stringContaining('cannot log in to web2, web3 (it has no ssh)')])
    expect(log.filter(line => line.includes('give'))).toEqual([])
  })
  test('go from here to one whose address means another machine elsewhere, which may hand them on', async () => {
    const { log } = await got({ try: { stdout: 'trusted web1\ntrusted web3\n' } }, { hosts: { web2: '127.0.0.1' } })
    expect(log).toEqual(expect.arrayContaining(['web2 try web1,web3', 'web2 pull web,db', 'web2 give web1']))
  })

  test.each<[string, Record<string, Answer>, string]>([
    ['fails', { 'web1 give web2': { code: 1, stderr: 'no space left on device\n' } }, 'no space left on device'],
    [
      'brings another image',
      { 'web2 find images': { stdout: `image x sha256:${'0'.repeat(64)}\n` } },
      'what arrived is another image',
    ],
    ['is lost for good', { 'web1 give web2': { stderr: 'lost\n' } }, 'the connection was lost, for the 4th time'],
  ])('come from here after all where handing them on %s', async (_, answers, why) => {
    const { log, said, name, result } = await got(answers)
    expect(said.at(-1)).toBe(`web2 lost: web1 could not hand ${name} on (${why}): it comes from here instead`)
    expect(log.at(-1)).toBe('web2 pull web')
    expect(log.filter(line => line === 'web1 give web3')).toHaveLength(1)
    expect(result).toBeInstanceOf(Map)
  })
  test('fail with the server that was to hand them on', async () => {
    const { result, log } = await got({ 'web1 pull web': { code: 1, stdout: 'failed web\n', stderr: 'no route\n' } })
    expect(result).toMatchObject({ code: 'pull.failed', server: 'web1' })
    expect(log.filter(line => line.includes('give'))).toEqual([])
  })
  test('are given up with an interrupt', async () => {
    const { result, log } = await got({ 'web1 give web2': { hangs: true } }, { interruptAt: 'web2 pull begun' })
    expect(result).toMatchObject({ code: 'interrupted' })
    expect(log).not.toContain('web2 pull web')
  })
  test.each<[string, Record<string, Answer>, string, string[]]>([
    [
      'little is missing',
      {
        'web3 holdings': { stdout: `layers ["x@sha256:0"] ["${content}"]\n` },
        try: { stdout: 'trusted web1\ntrusted web2\n' },
      },
      '',
      ['web3 done: from here, and hands them on to web1, web2'],
    ],
    [
      'its seed has none of them',
      { 'web1 holdings': { stdout: `layers ["x@sha256:0"] ["${content}"]\n` } },
      ', seed: web4',
      ['web3 done: from here, because web4 has none for it in this deploy'],
    ],
  ])('are fetched where %s', async (_, answers, servers, lines) => {
    const { said } = await got(answers, { servers })
    expect(said.filter(line => line.startsWith('web3'))).toEqual(lines)
  })
  test('are handed on as the configuration says, without a question', async () => {
    const { log, said } = await got({ try: { stdout: 'trusted web1\n' } }, { servers: ', seed: web2' })
    expect(log).toContain('web2 give web3')
    expect(said).toContain('web3 done: from web2, over SSH between them, as its seed says')
    expect(log.filter(line => line.includes('try'))).toEqual(['web2 try web1'])
  })
  test('go from here where the configuration says so', async () => {
    const { log, said } = await got({ try: { stdout: 'trusted web1\ntrusted web2\n' } }, { servers: ', seed: false' })
    expect(log).toEqual(expect.arrayContaining(['web3 pull web', 'web3 try web1,web2']))
    expect(said).toContain('web3 done: from here, and hands them on to web1, web2')
  })
  test('are not handed on where all have them', async () => {
    const { log } = await got({ holdings: { stdout: `layers ["x@sha256:0"] ["${content}"]\n` } })
    expect(log).toEqual(['web1 pull web', 'web2 pull web,db', 'web3 pull web'])
  })
})
