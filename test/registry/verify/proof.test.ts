import { createServer as createHttp } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import { JijiError } from '../../../src/errors.ts'
import type { Place } from '../../../src/registry/places.ts'
import { failureOf, findingsOf, renderFound } from '../../../src/registry/verify/findings.ts'
import type { Need } from '../../../src/registry/verify/needs.ts'
import { type Check, verifyAt } from '../../../src/registry/verify/proof.ts'
import { wayIn } from '../../../src/registry/verify/ways.ts'
import { recorder } from '../../../src/runner/recorder.ts'
import { connectSsh } from '../../../src/runner/ssh.ts'
import { type Home, hasSshd, makeHome, removeHome, startSshd } from '../../runner/sshd.ts'
import { random } from '../../shell/random.ts'
import { answer, certificate, type Handler, listen, makeCertificate, registry } from '../servers.ts'

const { signal } = new AbortController()
const password = 'hunter2'
const login = { key: 'any', username: 'me', password: new Secret('TOKEN', password) }
const basic = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`

type Setting = { authorities?: string; bundle?: string; ways?: string; skew?: number; name?: string }

/** A place that trusts what it is told to. */
function placeWith({
  authorities = certificate(),
  bundle = '',
  ways = '{}',
  skew = 0,
  name = 'web1',
}: Setting = {}): Place {
  const runner = recorder(name, script => {
    const text = String(script)
    if (text.includes(' info ')) return { stdout: ways }
    if (text.includes('ca-bundle')) return { stdout: bundle }
    const hosts = [...text.matchAll(/^echo 'host ([^']+)'$/gm)].map(([, host]) => `host ${host}\n${authorities}\n`)
    return { stdout: `clock ${Math.round(Date.now() / 1000) + skew}\n${hosts.join('')}` }
  })
  return { name, engine: 'docker', runner }
}

const needOf = (host: string, more: Partial<Need> = {}): Need => ({
  image: `${host}/a/b:1`,
  host,
  repository: 'a/b',
  reference: '1',
  login,
  isBuilt: false,
  pull: true,
  push: false,
  ...more,
})

async function verify(host: string, more: Partial<Need> = {}, place = placeWith()): Promise<Check> {
  const [check] = await verifyAt(place, [needOf(host, more)], signal)
  if (!check) throw new Error('there is no check')
  expect(JSON.stringify(check)).not.toContain(password)
  return check
}

const states = ({ reach, identity, pull, push }: Check) => `${reach} ${identity} ${pull} ${push}`
const pushed = { isBuilt: true, push: true }
const refusal = { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }
const unknownManifest = { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }
const jwt = (actions: string[]) =>
  `e30.${Buffer.from(JSON.stringify({ access: [{ type: 'repository', name: 'a/b', actions }] })).toString('base64url')}.s`

type Answers = {
  /** `METHOD path` without /v2/: status, or status and body. */
  [request: string]: [status: number, body?: unknown, headers?: Record<string, string>]
}

/** A registry with a token server that gives `token` to whoever has the password; with `null`, a token for nothing. */
async function withTokens(token: string | ((scopes: string[]) => string | null), answers: Answers = {}) {
  const one: Awaited<ReturnType<typeof registry>> = await registry((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://any')
    if (pathname === '/token') {
      const given = typeof token === 'string' ? token : token(searchParams.getAll('scope'))
      if (request.headers.authorization !== basic || given === null)
        return answer(response, 403, { errors: [{ message: 'denied' }] })
      return answer(response, 200, { token: given })
    }
    if (!request.headers.authorization?.startsWith('Bearer '))
      return answer(response, 401, refusal, {
        'www-authenticate': `Bearer realm="https://${one.host}/token",service="s"`,
      })
    const [status, body, headers] = answers[`${request.method} ${pathname.slice(4)}`] ?? [404, unknownManifest]
    answer(response, status, body, headers)
  })
  return one
}

const head = 'HEAD a/b/manifests/1'
const get = 'GET a/b/manifests/1'
const post = 'POST a/b/blobs/uploads/'
const upload = { location: '/v2/a/b/blobs/uploads/1?state=x' }

describe('with tokens that can be read', () => {
  test.each<[string, string[], Answers, Partial<Need>, string, string | undefined]>([
    ['all is well', ['pull'], { [head]: [200] }, {}, 'ok ok ok skipped', undefined],
    ['no pull', ['push'], {}, {}, 'ok ok failed skipped', 'no-pull'],
    ['nothing', [], {}, {}, 'ok ok failed skipped', 'no-pull'],
    ['no pull, though it is built here', [], {}, { isBuilt: true }, 'ok ok failed skipped', 'no-pull'],
    ['no such tag', ['pull'], { [head]: [404], [get]: [404, unknownManifest] }, {}, 'ok ok failed skipped', 'no-tag'],
    ['a first push', ['pull', 'push'], { [head]: [404], [post]: [202, '', upload] }, pushed, 'ok ok ok ok', undefined],
    ['no push', ['pull'], { [head]: [200] }, pushed, 'ok ok ok failed', 'no-push'],
    [
      'a push that is refused all the same',
      ['pull', 'push'],
      { [head]: [200], [post]: [403, { errors: [{ message: 'linked to another' }] }] },
      pushed,
      'ok ok ok failed',
      'no-push',
    ],
    [
      'no repository',
      ['pull', 'push'],
      { [head]: [200], [post]: [404, {}] },
      pushed,
      'ok ok ok failed',
      'no-repository',
    ],
    ['too many requests', ['pull'], { [head]: [429] }, {}, 'ok ok unknown skipped', 'rate-limited'],
    [
      'a registry that is ill',
      ['pull', 'push'],
      { [head]: [502], [post]: [500] },
      pushed,
      'ok ok unknown unknown',
      'registry-error',
    ],
  ])('%s', async (_, actions, answers, more, expected, cause) => {
    const { host } = await withTokens(jwt(actions), answers)
    const check = await verify(host, more)
    expect([states(check), check.cause]).toEqual([expected, cause])
  })
  test('an upload is cancelled, and nothing is ever put', async () => {
    const { host, asked } = await withTokens(jwt(['pull', 'push']), { [head]: [200], [post]: [202, '', upload] })
    await verify(host, pushed)
    expect(asked).toContain(`DELETE ${upload.location} Bearer ${jwt(['pull', 'push'])}`)
    expect(asked.filter(one => /^(PUT|PATCH)/.test(one))).toEqual([])
  })
  test('an upload that is to be cancelled elsewhere is left alone', async () => {
    const elsewhere = await registry((_, response) => answer(response, 204))
    const answers: Answers = { [head]: [200], [post]: [202, '', { location: `https://${elsewhere.host}/x` }] }
    const { host } = await withTokens(jwt(['pull', 'push']), answers)
    expect(states(await verify(host, pushed))).toBe('ok ok ok ok')
    expect(elsewhere.asked).toEqual([])
  })
})

describe('with tokens that only the registry can read', () => {
  test.each<[string, Answers, Partial<Need>, string, string | undefined]>([
    ['all is well', { [head]: [200] }, {}, 'ok ok ok skipped', undefined],
    [
      'no pull',
      { [head]: [403], [get]: [403, { errors: [{ message: 'denied' }] }] },
      {},
      'ok ok failed skipped',
      'no-pull',
    ],
    [
      'a first push proves nothing by 403',
      { [head]: [403], [get]: [403, {}] },
      { isBuilt: true },
      'ok ok unknown skipped',
      'no-pull',
    ],
    [
      'nor by a 404 for the name',
      { [head]: [404], [get]: [404, { errors: [{ code: 'NAME_UNKNOWN' }] }] },
      { isBuilt: true },
      'ok ok unknown skipped',
      'no-repository',
    ],
    [
      'but an unknown manifest is in a known repository',
      { [head]: [404], [get]: [404, unknownManifest] },
      { isBuilt: true },
      'ok ok ok skipped',
      undefined,
    ],
    ['no repository', { [head]: [404], [get]: [404, {}] }, {}, 'ok ok failed skipped', 'no-repository'],
  ])('%s', async (_, answers, more, expected, cause) => {
    const { host } = await withTokens('opaque', answers)
    const check = await verify(host, more)
    expect([states(check), check.cause]).toEqual([expected, cause])
  })
  test('a server that refuses what it does not grant, and not the name', async () => {
    const { host } = await withTokens(scopes => (scopes.length > 0 ? null : 'opaque'))
    expect(await verify(host)).toMatchObject({
      identity: 'ok',
      pull: 'failed',
      cause: 'no-pull',
      message: expect.stringContaining('denied'),
    })
  })
  test('a server that refuses push alone', async () => {
    const { host } = await withTokens(([scope = '']) => (scope.includes('push') ? null : 'opaque'), { [head]: [200] })
    const check = await verify(host, pushed)
    expect([states(check), check.cause]).toEqual(['ok ok ok failed', 'no-push'])
  })
  test('a server that refuses all of it does not know the name', async () => {
    const { host } = await withTokens(() => null)
    expect(await verify(host)).toMatchObject({
      identity: 'failed',
      pull: 'skipped',
      cause: 'wrong-password',
      message: `${host} refused the login of me: 403 denied`,
    })
  })
})

describe('with a password', () => {
  const guarded =
    (inside: Handler, isRight = (authorization = '') => authorization === basic): Handler =>
    (request, response) =>
      isRight(request.headers.authorization)
        ? inside(request, response)
        : answer(response, 401, refusal, { 'www-authenticate': 'Basic realm="r"' })

  test('that is right', async () => {
    const { host, asked } = await registry(guarded((_, response) => answer(response, 200)))
    expect(states(await verify(host))).toBe('ok ok ok skipped')
    expect(asked).toEqual(['GET /v2/ -', `GET /v2/ ${basic}`, `HEAD /v2/a/b/manifests/1 ${basic}`])
  })
  test('that is wrong', async () => {
    const { host } = await registry(
      guarded(
        () => {},
        () => false,
      ),
    )
    expect(await verify(host)).toMatchObject({
      identity: 'failed',
      cause: 'wrong-password',
      hint: expect.stringContaining('TOKEN'),
    })
  })
  test('it is sent even where anybody is let in', async () => {
    const { host, asked } = await registry((_, response) => answer(response, 200))
    const check = await verify(host)
    expect(states(check)).toBe('ok unknown ok skipped')
    expect(check.notes).toEqual([`${host} lets anybody in, and so does not say whether it knows me`])
    expect(asked.filter(one => one.includes(basic))).toHaveLength(2)
  })
  test('that is right and allows nothing, where only the image is guarded', async () => {
    const { host } = await registry((request, response) =>
      request.url === '/v2/' ? answer(response, 200) : guarded((_, inside) => answer(inside, 403))(request, response),
    )
    expect(await verify(host)).toMatchObject({ identity: 'ok', pull: 'failed', cause: 'no-pull' })
  })
  test('where only the image is guarded', async () => {
    const { host } = await registry((request, response) =>
      request.url === '/v2/' ? answer(response, 200) : guarded((_, inside) => answer(inside, 200))(request, response),
    )
    expect(states(await verify(host))).toBe('ok ok ok skipped')
    const wrong = { ...login, password: new Secret('TOKEN', 'other') }
    expect(await verify(host, { login: wrong })).toMatchObject({ identity: 'failed', cause: 'wrong-password' })
  })
})

describe('without a credential', () => {
  test('an image that anybody may pull', async () => {
    const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }
    const { host, asked } = await registry((_, response) => answer(response, 200, {}, headers))
    const check = await verify(host, { login: undefined })
    expect(states(check)).toBe('ok skipped ok skipped')
    expect(check.notes).toEqual(['76 of 100 pulls in 6 h are left'])
    expect(asked.every(one => one.endsWith(' -'))).toBe(true)
  })
  test('an image that nobody may', async () => {
    const { host } = await withTokens('opaque')
    expect(await verify(host, { login: undefined })).toMatchObject({
      identity: 'skipped',
      pull: 'failed',
      cause: 'no-credential',
    })
  })
})

describe('a registry is not reached', () => {
  test.each<[string, Handler, string]>([
    ['a web page', (_, response) => answer(response, 200, '<html>{}</html>'), 'not-a-registry'],
    ['no such page', (_, response) => answer(response, 404, 'nothing'), 'not-a-registry'],
    ['a forbidden one', (_, response) => answer(response, 403, ''), 'not-a-registry'],
    [
      'one elsewhere',
      (_, response) => answer(response, 302, '', { location: 'http://elsewhere.invalid/' }),
      'not-a-registry',
    ],
    ['a loop', (_, response) => answer(response, 302, '', { location: '/v2/' }), 'not-a-registry'],
    ['one that is ill', (_, response) => answer(response, 503, ''), 'registry-error'],
    ['something else', (_, response) => void response.socket?.end('220 hello\r\n'), 'not-a-registry'],
  ])('by %s', async (_, handler, cause) => {
    const { host } = await registry(handler)
    const check = await verify(host)
    expect([states(check), check.cause]).toEqual(['failed skipped skipped skipped', cause])
  })
  test('nothing listens', async () => {
    expect(await verify('localhost:1')).toMatchObject({ reach: 'failed', cause: 'nothing-listens' })
  })
  test('its name leads nowhere', async () => {
    expect(await verify('registry.invalid')).toMatchObject({ reach: 'failed', cause: 'dns' })
  })
  test('its authority is not known, and no credential is sent', async () => {
    const { host, asked } = await registry((_, response) => answer(response, 200))
    const check = await verify(host, {}, placeWith({ authorities: '' }))
    expect(check).toMatchObject({
      reach: 'failed',
      cause: 'unknown-authority',
      message: `the certificate of ${host} is from an authority that is not known: test`,
      hint: `put the authority's certificate into /etc/docker/certs.d/${host}/ca.crt there`,
    })
    expect(asked.filter(one => !one.endsWith(' -'))).toEqual([])
  })
  test('unless the system there knows it, or it stands among spoilt ones', async () => {
    const { host } = await registry((_, response) => answer(response, 200))
    const spoilt = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n'
    expect((await verify(host, {}, placeWith({ authorities: '', bundle: certificate() }))).reach).toBe('ok')
    expect((await verify(host, {}, placeWith({ authorities: spoilt + certificate() }))).reach).toBe('ok')
  })
  test('its certificate has another name', async () => {
    const shown = makeCertificate({ names: 'DNS:other.example.com' })
    const { host } = await registry((_, response) => answer(response, 200), shown)
    expect(await verify(host, {}, placeWith({ authorities: shown.certificate }))).toMatchObject({ cause: 'wrong-name' })
  })
  test.each<[number, number, string, string]>([
    [2020, 2021, 'certificate-expired', 'has expired: valid from 2020-01-01 to 2021-01-01'],
    [2090, 2091, 'certificate-not-yet-valid', 'is not valid yet: valid from 2090-01-01 to 2091-01-01'],
  ])('its certificate is of %i to %i', async (from, to, cause, words) => {
    const shown = makeCertificate({ from, to })
    const { host } = await registry((_, response) => answer(response, 200), shown)
    const check = await verify(host, {}, placeWith({ authorities: shown.certificate }))
    expect(check).toMatchObject({ reach: 'failed', cause, message: `the certificate of ${host} ${words}` })
  })
  test('its certificate is not valid by the clock of this machine, which is wrong', async () => {
    const shown = makeCertificate({ from: 2020, to: 2021 })
    const date = 'Mon, 01 Jun 2020 00:00:00 GMT'
    const { host } = await registry((_, response) => answer(response, 200, {}, { date }), shown)
    const check = await verify(host, {}, placeWith({ authorities: shown.certificate }))
    expect(check).toMatchObject({
      cause: 'clock-skew',
      message: expect.stringMatching(/days ahead: it is the clock of this machine$/),
    })
  })
  test('by the clock of the server', async () => {
    const { host } = await registry((_, response) => answer(response, 200))
    expect(await verify(host, {}, placeWith({ skew: -3600 * 24 * 30 }))).toMatchObject({
      reach: 'failed',
      cause: 'clock-skew',
      message: expect.stringMatching(/by a clock that is 30 days behind/),
    })
    expect((await verify(host, {}, placeWith({ skew: 1200 }))).notes).toContain(
      "its clock is 20 min ahead of this machine's",
    )
  })
  test('where the engine has another way, nothing is proved', async () => {
    const proxy = placeWith({ ways: '{"proxy":"http://proxy:3128","without":""}' })
    expect(await verify('localhost:1', {}, proxy)).toMatchObject({ reach: 'unknown', cause: 'proxy' })
  })
})

test('a registry on a loopback address may do without TLS, and no other', async () => {
  const asked: string[] = []
  const host = await listen(
    createHttp((request, response) => {
      asked.push(request.headers.authorization ?? '-')
      if (request.headers.authorization === basic) return answer(response, 200)
      answer(response, 401, {}, { 'www-authenticate': 'Basic realm="r"' })
    }),
  )
  expect(states(await verify(host))).toBe('ok ok ok skipped')
  expect(asked).toEqual(['-', basic, basic])
})

test('whatever a registry answers, there is a row', async () => {
  const { next, pick, text } = random(17)
  const odd = () =>
    pick([
      '',
      '{}',
      '<html>',
      'null',
      '{"errors":[null]}',
      `{"errors":[{"message":"${password}"}]}`,
      '{"token":"a"}',
      text(20).replace(/[^ -~]/g, ''),
    ])
  const challenges = (host: string) => [
    `Bearer realm="https://${host}/token"`,
    `Bearer realm="${odd()}"`,
    'Basic',
    'Bearer',
    `Basic realm="${host}", Bearer realm="https://${host}/t"`,
    'Negotiate',
    ',',
    '"',
    'Bearer realm="http://plain.invalid/"',
  ]
  const one: Awaited<ReturnType<typeof registry>> = await registry((_, response) => {
    if (next() < 0.02) return void response.socket?.destroy()
    const headers: Record<string, string> =
      next() < 0.6 ? { 'www-authenticate': pick(challenges(one.host)).replace(/[^ -~]/g, '') } : {}
    if (next() < 0.2) headers.location = pick(['/v2/', '', '//', `https://${one.host}/x`, 'http://plain.invalid/'])
    answer(response, pick([200, 200, 202, 301, 307, 400, 401, 401, 403, 404, 405, 429, 500]), odd(), headers)
  })
  for (let round = 0; round < 150; round++) {
    const check = await verify(one.host, next() < 0.5 ? pushed : {})
    expect(states(check)).toMatch(/^((ok|failed|unknown|skipped) ?){4}$/)
    if (/failed/.test(states(check))) expect(check.message).toBeTruthy()
  }
})

describe.runIf(hasSshd)('from a server', () => {
  let home: Home
  beforeAll(() => {
    home = makeHome()
  })
  afterAll(() => removeHome(home))

  const from = async (settings: string[], use: (place: Place) => Promise<void>) => {
    const sshd = await startSshd(home, settings)
    const runner = await connectSsh(sshd.target(), { environment: home.environment })
    try {
      await use({ name: 'web1', engine: 'docker', runner })
    } finally {
      await runner.close()
      await sshd.stop()
    }
  }
  test('what sshd does not allow is not known', () =>
    from(['AllowTcpForwarding remote'], async place => {
      expect(await verify('localhost:1', {}, place)).toMatchObject({
        reach: 'unknown',
        cause: 'connections-forbidden',
        hint: expect.stringContaining('AllowTcpForwarding'),
      })
    }))
  test('a registry of its own, without TLS, is asked through the connection', () =>
    from([], async place => {
      const host = await listen(createHttp((_, response) => answer(response, 200)))
      expect(states(await verify(host, { login: undefined }, place))).toBe('ok skipped ok skipped')
      expect(await verify('localhost:1', {}, place)).toMatchObject({ reach: 'failed', cause: 'nothing-listens' })
    }))
  test('a connection that is lost is no failure of the registry', () =>
    from([], async place => {
      await place.runner.close()
      expect(await verify('localhost:1', {}, place)).toMatchObject({
        reach: 'unknown',
        cause: 'server',
        error: { code: 'server.lost' },
      })
    }))
})

describe('the way of an engine', () => {
  const docker = (more: object) => JSON.stringify({ proxy: '', without: '', registries: {}, ...more })
  test.each<[string, 'docker' | 'podman', string, string | undefined]>([
    ['', 'docker', 'ghcr.io', undefined],
    ['nonsense', 'docker', 'ghcr.io', undefined],
    [docker({}), 'docker', 'ghcr.io', undefined],
    [docker({ proxy: 'http://p' }), 'docker', 'ghcr.io', 'proxy'],
    [docker({ proxy: 'http://p', without: 'a.b, .ghcr.io' }), 'docker', 'ghcr.io', undefined],
    [docker({ proxy: 'http://p', without: 'example.com' }), 'docker', 'r.example.com:5000', undefined],
    [docker({ proxy: 'http://p', without: 'ample.com' }), 'docker', 'r.example.com', 'proxy'],
    [docker({ registries: { Mirrors: ['https://m/'] } }), 'docker', 'docker.io', 'mirror'],
    [docker({ registries: { Mirrors: ['https://m/'] } }), 'docker', 'ghcr.io', undefined],
    [
      docker({ registries: { IndexConfigs: { 'r:5000': { Secure: false } } } }),
      'docker',
      'r:5000',
      'insecure-registry',
    ],
    ['proxy\n{"mirrored":{}}', 'podman', 'ghcr.io', 'proxy'],
    ['{"mirrored":{"ghcr.io":{"Mirrors":[{"Location":"m"}]}}}', 'podman', 'ghcr.io', 'mirror'],
    ['{"mirrored":{"ghcr.io":{"Insecure":true}}}', 'podman', 'ghcr.io', 'insecure-registry'],
    ['{"mirrored":null}', 'podman', 'ghcr.io', undefined],
  ])('%s', (text, engine, host, cause) => expect(wayIn(text, engine, host)).toBe(cause))
})

describe('what was found', () => {
  const check = (place: string, more: Partial<Check>): Check => ({
    ...{ image: 'i', registry: 'r', place, reach: 'ok', identity: 'ok', pull: 'ok', push: 'skipped', notes: [] },
    ...more,
  })
  const noPull = { pull: 'failed', cause: 'no-pull', message: 'me may not', hint: 'one\ntwo' } as const
  const gone = { reach: 'failed', cause: 'dns', message: 'no name', hint: 'see' } as const

  test('is said once for all places, failures first', () => {
    const unknown = { pull: 'unknown', cause: 'rate-limited', message: 'busy', hint: 'wait' } as const
    const found = findingsOf([check('here', unknown), check('a', noPull), check('b', noPull), check('c', {})])
    expect(found.map(renderFound)).toEqual(['a, b: me may not\n  one\n  two', 'here: busy\n  wait'])
  })
  test('is an error, the gravest first', () => {
    expect(failureOf([check('a', {})])).toBeUndefined()
    expect(failureOf([check('a', gone), check('b', noPull)])).toMatchObject({
      code: 'registry.refused',
      message: 'b: me may not',
      output: 'a: no name\n  see',
    })
    expect(failureOf([check('a', gone)])).toMatchObject({ code: 'registry.unreachable', exitStatus: 1 })
    expect(failureOf([check('a', gone)])).toBeInstanceOf(JijiError)
  })
})
