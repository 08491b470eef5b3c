import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import { grantedActions } from '../../../src/registry/protocol/grants.ts'
import { requestToken } from '../../../src/registry/protocol/token.ts'
import { plain, wordsOf } from '../../../src/registry/protocol/words.ts'
import { random } from '../../shell/random.ts'
import { answer, certificate, clientTrusting, type Handler, registry } from '../servers.ts'

const login = { key: 'r.example.com', username: 'me', password: new Secret('TOKEN', 'hunter2&+%') }
const scopes = ['repository:a/b:pull', 'repository:c:5000/d:pull,push']

async function tokenFrom(handler: Handler, known: { login?: typeof login } = { login }) {
  const { host, asked } = await registry(handler)
  const client = clientTrusting([certificate()])
  const challenge = { scheme: 'bearer', parameters: { realm: `https://${host}/token`, service: 'the service' } }
  try {
    return { asked, result: await requestToken(client, challenge, { scopes, login: known.login }) }
  } finally {
    client.close()
  }
}

describe('a token', () => {
  test('is asked for with service, scopes and account', async () => {
    const { asked, result } = await tokenFrom((_, response) => answer(response, 200, { token: 't0ken' }))
    expect(result).toEqual({ kind: 'granted', token: 't0ken' })
    const [method, address, ...authorization] = (asked[0] ?? '').split(' ')
    const query = new URL(address ?? '', 'https://any').searchParams
    expect([method, query.getAll('scope'), query.get('service'), query.get('account')]).toEqual([
      'GET',
      scopes,
      'the service',
      'me',
    ])
    expect(authorization.join(' ')).toBe(`Basic ${Buffer.from('me:hunter2&+%').toString('base64')}`)
  })
  test('for anybody is asked for without a name', async () => {
    const { asked } = await tokenFrom((_, response) => answer(response, 200, { access_token: 'x' }), {})
    expect(asked).toEqual([expect.stringMatching(/^GET \/token\?[^ ]* -$/)])
    expect(asked[0]).not.toContain('account')
  })
  test.each([404, 405])('is asked for by a form where GET gives %i', async status => {
    const forms: string[] = []
    const { result } = await tokenFrom((request, response) => {
      if (request.method === 'GET') return answer(response, status)
      let form = ''
      request.on('data', chunk => {
        form += chunk
      })
      request.on('end', () => {
        forms.push(form)
        answer(response, 200, { access_token: 'by-form' })
      })
    })
    expect(result).toEqual({ kind: 'granted', token: 'by-form' })
    expect(Object.fromEntries(new URLSearchParams(forms[0]))).toEqual({
      grant_type: 'password',
      client_id: 'jiji',
      service: 'the service',
      scope: scopes.join(' '),
      username: 'me',
      password: 'hunter2&+%',
    })
  })
  test.each<[number, unknown, object]>([
    [200, { token: '', access_token: 'b' }, { kind: 'granted', token: 'b' }],
    [200, { token: 7, access_token: 'b' }, { kind: 'granted', token: 'b' }],
    [200, { token: 'a\r\nX: y' }, { kind: 'none', words: 'its token server gives no token' }],
    [200, 'null', { kind: 'none' }],
    [200, '<html>', { kind: 'none' }],
    [
      401,
      { details: 'incorrect username or password' },
      { kind: 'refused', words: '401 incorrect username or password' },
    ],
    [403, { errors: [{ message: 'denied' }] }, { kind: 'refused', words: '403 denied' }],
    [429, '', { kind: 'none', status: 429 }],
    [503, '', { kind: 'none', status: 503 }],
    [302, '', { kind: 'none', status: 302 }],
  ])('%i %j', async (status, body, expected) => {
    const { result } = await tokenFrom((_, response) =>
      answer(response, status, body, { location: 'https://elsewhere.invalid/' }),
    )
    expect(result).toMatchObject(expected)
  })
  test('whatever comes instead, there is a result', async () => {
    const { next, pick, text } = random(5)
    const parts = [
      '{',
      '}',
      '"token":',
      '"access_token":',
      '"x"',
      'null',
      '[',
      ']',
      ',',
      '\u0000',
      '\\u0000',
      '1e999',
      '{"token":"a"}',
      '"errors":[',
      '{"message":{}}',
    ]
    const odd = () =>
      Array.from({ length: Math.floor(next() * 8) }, () => (next() < 0.2 ? text(4) : pick(parts))).join('')
    const { host } = await registry((_, response) => answer(response, pick([200, 200, 401, 500]), odd()))
    const client = clientTrusting([certificate()])
    for (let round = 0; round < 300; round++) {
      const challenge = { scheme: 'bearer', parameters: { realm: `https://${host}/${round}` } }
      const result = await requestToken(client, challenge, { scopes, login })
      expect(['granted', 'refused', 'none']).toContain(result.kind)
      expect(JSON.stringify(result)).not.toContain('hunter2')
    }
    client.close()
  })
  test.each(['http://token.invalid/', 'ftp://a/', 'nonsense', '', 'file:///etc/passwd', 'https://'])(
    'is not asked for at %j',
    async realm => {
      const client = clientTrusting([])
      const result = await requestToken(client, { scheme: 'bearer', parameters: { realm } }, { scopes, login })
      expect(result).toMatchObject({ kind: 'none' })
    },
  )
})

describe('what a token grants', () => {
  const jwt = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.sig`
  const access = (actions: unknown, name = 'a/b', type = 'repository') => ({ access: [{ type, name, actions }] })

  test.each<[string, string, string[] | undefined]>([
    ['pull and push', jwt(access(['pull', 'push'])), ['pull', 'push']],
    ['everything', jwt(access(['*'])), ['pull', 'push']],
    ['nothing', jwt({ access: [] }), []],
    ['another repository', jwt(access(['pull'], 'a/bc')), []],
    ['another thing', jwt(access(['pull'], 'a/b', 'registry')), []],
    ['what is no action', jwt(access([7, null, 'pull'])), ['pull']],
    ['no list', jwt(access('pull')), []],
    ['no access', jwt({ sub: 'me' }), undefined],
    ['access that is null', jwt({ access: null }), undefined],
    ['no object', jwt(null), undefined],
    ['opaque', 'ghs_x', undefined],
    ['dots', '...', undefined],
    ['empty', '', undefined],
    ['null entries', jwt({ access: [null, 1, 'x', []] }), []],
  ])('%s', (_, token, actions) => expect(grantedActions(token, 'a/b')).toEqual(actions))

  test('is read from any text without a crash', () => {
    const { text } = random(9)
    for (let round = 0; round < 2000; round++) {
      grantedActions(text(30), 'a')
      grantedActions(`x.${Buffer.from(text(20)).toString('base64url')}.y`, 'a')
    }
  })
})

describe('the words of a registry', () => {
  const basic = Buffer.from('me:hunter2&+%').toString('base64')
  test.each<[string, string]>([
    ['{"errors":[{"code":"X","message":"no \\u001b[31mred\\n\\u202e"}]}', '401 no [31mred'],
    ['{"errors":[{"message":"you sent hunter2&+%"}]}', '401 you sent [TOKEN]'],
    [`{"errors":[{"message":"you sent ${basic}"}]}`, '401 you sent [TOKEN]'],
    ['{"errors":[{"message":"you sent hunter2%26%2B%25"}]}', '401 you sent [TOKEN]'],
    ['{"error_description":"expired"}', '401 expired'],
    ['{"errors":{}}', '401 Unauthorized'],
    ['[]', '401 Unauthorized'],
  ])('%j', (body, words) => {
    expect(wordsOf({ status: 401, statusText: 'Unauthorized', body }, login)).toBe(words)
  })
  test.each([
    ['a\nb', 'it is a\nb', 'it is [KEY]'],
    ['a b', 'it is a\u0000b', 'it is [KEY]'],
  ])('do not hold %j, whatever stands in it', (value, text, words) => {
    expect(plain(text, { ...login, password: new Secret('KEY', value) })).toBe(words)
  })
  test('are short, and cut no secret in two', () => {
    const words = plain(`${'x'.repeat(195)}hunter2&+%`, login)
    expect([words.length, words.includes('hun')]).toEqual([200, false])
  })
})
