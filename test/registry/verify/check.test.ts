import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createTcp } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import { parseChallenges } from '../../../src/registry/protocol/challenge.ts'
import { checkLogin } from '../../../src/registry/verify/check.ts'
import { processorTime } from '../../processor-time.ts'
import { random } from '../../shell/random.ts'
import { answer, certificate, clientTrusting, type Handler, listen, registry } from '../servers.ts'

describe('a challenge is read', () => {
  test.each<[string, ReturnType<typeof parseChallenges>]>([
    ['', []],
    ['Basic', [{ scheme: 'basic', parameters: {} }]],
    ['Basic realm="x"', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
    ['basic REALM=x', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
    [
      'Bearer realm="https://a.b/token",service="a.b",scope="repository:x:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: { realm: 'https://a.b/token', service: 'a.b', scope: 'repository:x:pull,push' },
        },
      ],
    ],
    [
      'Basic realm="a, b", Bearer realm="c",service=d',
      [
        { scheme: 'basic', parameters: { realm: 'a, b' } },
        { scheme: 'bearer', parameters: { realm: 'c', service: 'd' } },
      ],
    ],
    [
      'Negotiate, Basic realm="x"',
      [
        { scheme: 'negotiate', parameters: {} },
        { scheme: 'basic', parameters: { realm: 'x' } },
      ],
    ],
    ['Basic realm="say \\"hi\\" \\\\ there"', [{ scheme: 'basic', parameters: { realm: 'say "hi" \\ there' } }]],
    ['Basic realm=""', [{ scheme: 'basic', parameters: { realm: '' } }]],
    ['Basic realm = "x" , charset = UTF-8', [{ scheme: 'basic', parameters: { realm: 'x', charset: 'UTF-8' } }]],
    [',, Basic realm=x ,,', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
    ['realm="x"', []],
    ['Basic realm="open', [{ scheme: 'basic', parameters: {} }]],
    ['Basic realm="x" (what)', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
  ])('%j', (header, challenges) => expect(parseChallenges(header)).toMatchObject(challenges))

  test('or not, but it never throws and never hangs', () => {
    const { next, pick, text } = random(11)
    const parts = ['Basic', 'Bearer ', 'realm=', '"', '\\', ',', ' ', '=', 'a', '"x"', '__proto__="x"', '\t', ';']
    const began = processorTime()
    for (let round = 0; round < 5000; round++) {
      const header = Array.from({ length: 1 + Math.floor(next() * 12) }, () => (next() < 0.2 ? text(5) : pick(parts)))
      expect(Array.isArray(parseChallenges(header.join('')))).toBe(true)
    }
    for (const part of [' ', '\t', ',', ', ', '\\', '"', 'a', 'a=', 'a="\\', 'a ', '=', 'Basic ']) {
      parseChallenges(part.repeat(65_536 / part.length))
      parseChallenges(`Basic realm="${part.repeat(65_536 / part.length)}`)
      parseChallenges(`Basic${part.repeat(65_536 / part.length)}\u0000`)
    }
    expect(processorTime() - began).toBeLessThan(2000)
  })
})

const secret = 'hunter2'
const basic = `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`
const check = (host: string, signal?: AbortSignal, trusted = [certificate()]) =>
  checkLogin(
    { key: `${host}/owner`, username: 'me', password: new Secret('TOKEN', secret) },
    signal,
    clientTrusting(trusted, signal),
  )

describe('a registry with Basic', () => {
  const wants: Handler = ({ headers }, response) =>
    headers.authorization === basic
      ? answer(response, 200)
      : answer(
          response,
          401,
          { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] },
          {
            'www-authenticate': 'Basic realm="registry"',
          },
        )

  test('takes the right password', async () => {
    const { host, asked } = await registry(wants)
    expect(await check(host)).toBe('accepted')
    expect(asked).toEqual(['GET /v2/ -', `GET /v2/ ${basic}`])
  })
  test.each<[number, unknown, string]>([
    [401, { errors: [{ message: 'authentication required' }] }, '401 authentication required'],
    [403, { errors: [{ message: 'your plan has ended' }] }, '403 your plan has ended'],
    [401, { details: 'incorrect username or password' }, '401 incorrect username or password'],
    [401, '<html>', '401 Unauthorized'],
    [403, '', '403 Forbidden'],
    [401, 'null', '401 Unauthorized'],
    [401, { errors: 'x' }, '401 Unauthorized'],
    [401, { errors: [null] }, '401 Unauthorized'],
  ])('refuses with %i %j', async (status, body, reason) => {
    const { host } = await registry((_, response) => answer(response, status, body, { 'www-authenticate': 'Basic' }))
    await expect(check(host)).rejects.toMatchObject({
      code: 'registry.refused',
      exitStatus: 3,
      message: `${host} refused the login of me: ${reason}`,
      hint: expect.stringContaining('TOKEN'),
    })
    await expect(check(host)).rejects.not.toThrow(secret)
  })
})

describe('a registry with a token server', () => {
  const withTokens = async (token: Handler, address = (host: string) => `https://${host}/token?x=y`) => {
    const one: { host: string; asked: string[] } = await registry((request, response) => {
      if (request.url?.startsWith('/token')) return token(request, response)
      answer(
        response,
        401,
        {},
        {
          'www-authenticate': `Basic realm="x", Bearer realm="${address(one.host)}",service="the service"`,
        },
      )
    })
    return one
  }

  test('is asked for a token, and the registry itself never sees the password', async () => {
    const { host, asked } = await withTokens((_, response) => answer(response, 200, { token: 'x' }))
    expect(await check(host)).toBe('accepted')
    expect(asked).toEqual(['GET /v2/ -', `GET /token?x=y&service=the+service&account=me ${basic}`])
  })
  test('that refuses', async () => {
    const { host } = await withTokens((_, response) =>
      answer(response, 401, { details: 'incorrect username or password' }),
    )
    await expect(check(host)).rejects.toMatchObject({
      code: 'registry.refused',
      message: expect.stringContaining('incorrect username'),
    })
  })
  test.each([429, 500, 503])('that answers %i proves nothing', async status => {
    const { host } = await withTokens((_, response) => answer(response, status))
    expect(await check(host)).toBe('unknown')
  })
  test('that redirects gets no password elsewhere', async () => {
    const elsewhere = await registry((_, response) => answer(response, 200))
    const { host } = await withTokens((_, response) =>
      answer(response, 307, {}, { location: `https://${elsewhere.host}/token` }),
    )
    expect(await check(host)).toBe('unknown')
    expect(elsewhere.asked).toEqual([])
  })
  test('without TLS gets no password, unless it is on this machine', async () => {
    const asked: string[] = []
    const plain = await listen(
      createHttp((request, response) => {
        asked.push(request.headers.authorization ?? '-')
        answer(response, 200, { token: 'x' })
      }),
    )
    const there = await withTokens(
      () => {},
      () => `http://token.invalid:${plain.split(':')[1]}/token`,
    )
    expect(await check(there.host)).toBe('unknown')
    const here = await withTokens(
      () => {},
      () => `http://${plain}/token`,
    )
    expect(await check(here.host)).toBe('accepted')
    expect(asked).toEqual([basic])
  })
  test.each(['not an address', 'ftp://a.b', 'file:///etc/passwd', 'https://'])(
    'whose address is %j proves nothing',
    async realm => {
      const { host } = await withTokens(
        (_, response) => answer(response, 200),
        () => realm,
      )
      await expect(check(host)).resolves.toBe('unknown')
    },
  )
})

describe('it cannot be known', () => {
  test('where anybody is let in', async () => {
    const { host } = await registry((_, response) => answer(response, 200))
    expect(await check(host)).toBe('unknown')
  })
  test('where nothing listens', async () => expect(await check('localhost:1')).toBe('unknown'))
  test('where the name leads nowhere', async () => expect(await check('registry.invalid')).toBe('unknown'))
  test('where nobody speaks TLS', async () => {
    const host = await listen(createHttp((_, response) => answer(response, 200)))
    expect(await check(host)).toBe('unknown')
  })
  test('where the connection is dropped', async () => {
    const host = await listen(createTcp(socket => socket.destroy()) as unknown as Server).catch(() => 'localhost:1')
    expect(await check(host)).toBe('unknown')
  })
  test('where it answers with something else', async () => {
    const { host } = await registry((_, response) => answer(response, 404, '<html>'))
    expect(await check(host)).toBe('unknown')
  })
  test('where the authority is not known', async () => {
    const { host, asked } = await registry((_, response) => answer(response, 200))
    expect(await check(host, undefined, [])).toBe('unknown')
    expect(asked).toEqual([])
  })
})

test('an interrupt ends it', async () => {
  const { host } = await registry(() => {})
  const interrupt = new AbortController()
  const checked = check(host, interrupt.signal)
  setTimeout(() => interrupt.abort(new Error('ctrl-c')), 30)
  await expect(checked).rejects.toThrow()
})
