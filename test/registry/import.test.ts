import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/config/config.ts'
import { SecretReference } from '../../src/config/fields.ts'
import { JijiError } from '../../src/errors.ts'
import { type ImportRow, type Present, planImport, without } from '../../src/registry/import/plan.ts'
import { readLogins } from '../../src/registry/import/read.ts'
import { processorTime } from '../processor-time.ts'
import { random } from '../shell/random.ts'
import { credential, hostile, textOf } from './export/credentials.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const auth = (password = 'pw', username = 'me') => base64(`${username}:${password}`)

/** `key username password`, or `registry: reason`. */
function read(file: unknown): string[] {
  return readLogins(typeof file === 'string' ? file : JSON.stringify(file)).map(entry =>
    'login' in entry
      ? `${entry.login.key} ${entry.login.username} ${entry.login.password.reveal()}`
      : `${entry.registry}: ${entry.reason}`,
  )
}

const secret = (type: string, key: string, value: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'pull' },
  type: `kubernetes.io/${type}`,
  data: { [key]: base64(JSON.stringify(value)) },
  ...more,
})

describe('logins are read', () => {
  test.each<[string, unknown, string[]]>([
    ['from auth', { auths: { 'ghcr.io': { auth: auth() } } }, ['ghcr.io me pw']],
    ['from name and password', { auths: { 'a.b': { username: 'me', password: 'p:w' } } }, ['a.b me p:w']],
    ['from auth before these', { auths: { 'a.b': { auth: auth(), username: 'x', password: 'y' } } }, ['a.b me pw']],
    ['with colons in the password', { auths: { 'a.b': { auth: auth('a:b:c') } } }, ['a.b me a:b:c']],
    ['without the NUL bytes that Docker cuts off', { auths: { 'a.b': { auth: auth('pw\0\0') } } }, ['a.b me pw']],
    ['from the oldest form', { 'a.b': { auth: auth(), email: 'x' } }, ['a.b me pw']],
    ['after a byte order mark', `\ufeff{"auths":{"a.b":{"auth":"${auth()}"}}}`, ['a.b me pw']],
    ['of namespaces', { auths: { 'ghcr.io/company/team': { auth: auth() } } }, ['ghcr.io/company/team me pw']],
  ])('%s', (_, file, logins) => expect(read(file)).toEqual(logins))

  test.each([
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io/v1/', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['https://quay.io/v2/', 'quay.io'],
    ['quay.io/v1', 'quay.io'],
    ['https://registry.example.io/v0/', 'registry.example.io'],
    ['https://a.b/owner', 'a.b'],
    ['http://a.b:5000', 'a.b:5000'],
    ['a.b/owner/', 'a.b/owner'],
    ['localhost:5000', 'localhost:5000'],
    ['[::1]:5000', '[::1]:5000'],
  ])('under %s: %s', (written, key) => {
    expect(read({ auths: { [written]: { auth: auth() } } })).toEqual([`${key} me pw`])
  })

  test.each(hostile)('with the password %j, to the byte', password => {
    expect(read({ auths: { 'a.b': { auth: auth(password) } } })).toEqual([`a.b me ${password}`])
  })
})

describe('Kubernetes secrets are read', () => {
  const auths = { 'a.b/c': { auth: auth() } }
  const legacy = { 'https://a.b/v1/': { username: 'me', password: 'pw', email: '', auth: auth() } }

  test.each<[string, unknown, string[]]>([
    ['of today', secret('dockerconfigjson', '.dockerconfigjson', { auths }), ['a.b/c me pw']],
    ['of before', secret('dockercfg', '.dockercfg', legacy), ['a.b me pw']],
    [
      'with an address that has a namespace',
      secret('dockercfg', '.dockercfg', { 'https://a.b/c': legacy['https://a.b/v1/'] }),
      ['a.b/c me pw'],
    ],
    [
      'with text that is not in base64',
      { ...secret('dockerconfigjson', 'x', {}), stringData: { '.dockerconfigjson': JSON.stringify({ auths }) } },
      ['a.b/c me pw'],
    ],
    [
      'of a list, and only those that hold logins',
      {
        kind: 'List',
        items: [
          secret('dockercfg', '.dockercfg', legacy),
          { kind: 'Secret', type: 'Opaque', data: {} },
          { kind: 'Pod' },
          5,
        ],
      },
      ['a.b me pw'],
    ],
    [
      'in YAML, several documents, among others',
      `apiVersion: v1
kind: Secret
metadata: {name: one}
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: ${base64(JSON.stringify({ auths }))}
---
kind: ServiceAccount
---
kind: Secret
metadata: {name: two}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: |
    {"auths": {"c.d": {"auth": "${auth('two')}"}}}
`,
      ['a.b/c me pw', 'c.d me two'],
    ],
    [
      'of another kind',
      { kind: 'Secret', metadata: { name: 'x' }, type: 'Opaque', data: {} },
      ['the secret x: it is no registry login: it has neither .dockerconfigjson nor .dockercfg'],
    ],
    [
      'that are broken',
      { kind: 'Secret', data: { '.dockercfg': '!!!' } },
      ['the secret without a name: its .dockercfg cannot be read'],
    ],
  ])('%s', (_, file, logins) => expect(read(file)).toEqual(logins))

  test('as they are exported', () => {
    const credentials = [credential('ghcr.io', 'a'), credential('docker.io', 'b'), credential('ghcr.io/c', 'c')]
    for (const format of ['kubernetes', 'kubernetes-legacy', 'podman-auth'] as const)
      expect(read(textOf(format, credentials, { 'service-account': 'default' }))).toEqual([
        'docker.io me b',
        'ghcr.io me a',
        'ghcr.io/c me c',
      ])
  })
})

describe('what cannot be declared is said, and why', () => {
  test.each<[object, string]>([
    [{ auths: { 'a.b': { identitytoken: 'x' } } }, 'a.b: it holds an identity token'],
    [{ auths: { 'a.b': { auth: auth(), identitytoken: 'x' } } }, 'a.b: it holds an identity token'],
    [{ auths: { 'a.b': { auth: auth('x', '<token>') } } }, 'a.b: it holds an identity token'],
    [{ auths: { 'a.b': { registrytoken: 'x' } } }, 'a.b: it holds a registry token, which soon expires'],
    [{ auths: { 'a.b': {} } }, 'a.b: it holds no login'],
    [{ auths: { 'a.b': null } }, 'a.b: it holds no login'],
    [{ auths: { 'a.b': { auth: 5 } } }, 'a.b: it holds no login'],
    [{ auths: { 'a.b': {} }, credsStore: 'desktop' }, 'a.b: its login is in the credential store desktop'],
    [{ auths: {}, credsStore: 'desktop' }, '*: all logins are in the credential store desktop'],
    [{ credHelpers: { 'a.b': 'gcloud' } }, 'a.b: its login is with the credential helper gcloud'],
    [{ auths: { 'a.b': {} }, credHelpers: { 'a.b': 'gcloud' } }, 'a.b: its login is with the credential helper gcloud'],
    [{ auths: { 'a.b': { auth: base64('nocolon') } } }, 'a.b: its auth is not base64 of a name and a password'],
    [{ auths: { 'a.b': { auth: '%%%' } } }, 'a.b: its auth is not base64'],
    [{ auths: { 'a.b': { auth: '/zph' } } }, 'a.b: its name or password is not UTF-8 text'],
    [{ auths: { 'a.b': { auth: auth('') } } }, 'a.b: its name or its password is empty'],
    [{ auths: { 'a.b': { username: '', password: 'x' } } }, 'a.b: its name or its password is empty'],
    [{ auths: { 'a.b': { auth: auth('a\0b') } } }, 'a.b: its name or password holds a character'],
    [{ auths: { 'a.b': { username: 'a\nb', password: 'x' } } }, 'a.b: its name or password holds a character'],
    [{ auths: { '*.b': { auth: auth() } } }, '*.b: this is not the name of a registry'],
    [{ auths: { 'https://me:hunter2@a.b': { auth: auth() } } }, 'a.b: this is not the name of a registry'],
    [{ auths: { 'a b\n': { auth: auth() } } }, 'a b : this is not the name of a registry'],
  ])('%j: %s', (file, reason) => {
    const [first, ...more] = read(file)
    expect(first).toContain(reason)
    expect(more).toEqual([])
  })
  test('two spellings of one registry are one login, or the second is skipped', () => {
    const both = (second: string) => ({
      auths: { 'docker.io': { auth: auth() }, 'https://index.docker.io/v1/': { auth: second } },
    })
    expect(read(both(auth()))).toEqual(['docker.io me pw'])
    expect(read(both(auth('other')))).toEqual([
      'docker.io me pw',
      'docker.io: the file has another login for it, which was taken',
    ])
  })
  test.each([
    '',
    'x',
    '[]',
    '5',
    'null',
    '{}',
    '{"auths":[]}',
    '{"auths":5}',
    'a: b',
    '"x"',
    '{"kind":"List"}',
    '[{"auths":{}}]',
  ])('%j is no file of logins', text => expect(() => readLogins(text)).toThrow('this holds no registry logins'))
  test.each(['{', '{"auths":', 'a: [b', '{'.repeat(100_000), `a: ${'[]'.repeat(150_000)}`])(
    '%.20j is neither JSON nor YAML',
    text => expect(() => readLogins(text)).toThrow('neither JSON nor YAML'),
  )
  test('errors hold nothing of the file', () => {
    for (const text of [
      '{"auths":{"a.b":{"auth":"hunter2',
      'hunter2: {',
      'hunter2',
      '{"hunter2":1}',
      '- hunter2\n- *hunter2',
    ]) {
      const error = caught(() => readLogins(text))
      expect(error).toBeInstanceOf(JijiError)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
    }
  })
})

describe('a file that was made to do harm', () => {
  test('does not reach the prototype of all objects', () => {
    const evil =
      '{"auths":{"__proto__":{"auth":"x"},"constructor":{"auth":"x"}},"__proto__":{"polluted":1},"credHelpers":{"__proto__":"x"}}'
    for (const text of [evil, `kind: Secret\n__proto__: {polluted: 1}\nstringData: {.dockerconfigjson: '${evil}'}\n`])
      for (const line of read(text)) expect(line).toMatch(/^(__proto__|constructor): /)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
  test('gives an error or a result, whatever was changed in it', () => {
    const { next: chance, pick } = random(7)
    const auths = { 'a.b': { auth: auth() }, 'https://c.d/v1/': { username: 'u', password: 'p', identitytoken: 'x' } }
    const originals = [
      JSON.stringify({ auths, credHelpers: { 'e.f': 'x' }, credsStore: 'y' }),
      JSON.stringify(secret('dockerconfigjson', '.dockerconfigjson', { auths })),
      JSON.stringify({ kind: 'List', items: [secret('dockercfg', '.dockercfg', auths)] }),
      textOf('kubernetes', [credential('a.b'), credential('c.d/e')], { 'service-account': 'x' }),
    ]
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\n',
      ' ',
      '\0',
      '\ufeff',
      'null',
      '1e999',
      '&a ',
      '*a',
      '<<: ',
      '!!',
      '- ',
      '__proto__',
      '\u2028',
      '\ud800',
      '@',
      '%',
      '---\n',
      '\\u0000',
      '{"toString":1}',
    ]
    for (let round = 0; round < 1000; round++) {
      let text = originals[round % originals.length] ?? ''
      for (let change = 1 + (round % 6); change > 0; change--) {
        const at = Math.floor(chance() * text.length)
        const piece = pick(pieces)
        const taken = Math.floor(chance() * 12)
        text = text.slice(0, at) + piece + text.slice(at + taken)
      }
      const began = processorTime()
      const error = caught(() => readLogins(text))
      if (error !== undefined && !(error instanceof JijiError))
        throw new Error(`${JSON.stringify(text)}: ${inspect(error)}`)
      expect(processorTime() - began).toBeLessThan(2000)
    }
  })
  test.each<[string, unknown]>([
    ['kinds that are no text', { kind: { toString: 1 }, items: [{ kind: ['Secret'], type: {} }] }],
    ['names that are no text', { kind: 'Secret', metadata: { name: { toString: null } }, data: [] }],
    ['lists for maps', { auths: { 'a.b': [] }, credHelpers: [], credsStore: [] }],
    ['helpers that are no text', { credHelpers: { 'a.b': { toString: 1 } } }],
    ['a name that is very long', { auths: { ['a'.repeat(100_000)]: { auth: auth() } } }],
  ])('%s', (_, file) => {
    const error = caught(() => readLogins(JSON.stringify(file)))
    if (error !== undefined) expect(error).toBeInstanceOf(JijiError)
  })
  test('depth', () => {
    const deep = `{"auths":{"a.b":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`
    expect(read(deep)).toEqual(['a.b: it holds no login'])
  })
})

describe('the plan', () => {
  const declared = (name: string, key: string, text = 'TOKEN', username = 'me'): Credential => ({
    name,
    key,
    auth: 'password',
    username,
    secret: new SecretReference(text, 'value'),
  })
  const plan = (auths: Record<string, string>, present: Partial<Present> = {}) => {
    const entries = Object.entries(auths).map(([key, value]) => [key, { auth: value }])
    return planImport(readLogins(JSON.stringify({ auths: Object.fromEntries(entries) })), {
      credentials: [],
      knownValue: () => undefined,
      variables: {},
      isTaken: () => false,
      ...present,
    })
  }

  test.each([
    ['ghcr.io/company', 'ghcr-io-company', 'GHCR_IO_COMPANY_PASSWORD'],
    ['registry.example.com:5000', 'registry-example-com-5000', 'REGISTRY_EXAMPLE_COM_5000_PASSWORD'],
    ['10.0.0.1:5000', '10-0-0-1-5000', 'REGISTRY_10_0_0_1_5000_PASSWORD'],
    ['[::1]:5000', '1-5000', 'REGISTRY_1_5000_PASSWORD'],
  ])('names %s %s, and its secret %s', (key, name, password) => {
    expect(plan({ [key]: auth() })).toEqual({
      rows: [{ registry: key, state: 'done', name, secret: password }],
      declarations: [{ name, server: key, username: 'me', password }],
      variables: [{ name: password, value: 'pw' }],
    })
  })
  test('gives names that nothing else has', () => {
    const { declarations, variables } = plan(
      { 'a.b': auth(), 'a-b.': auth(), 'a-b.c': auth(), 'a.b-c': auth() },
      {
        credentials: [declared('a-b', 'x.y')],
        isTaken: name => name === 'A_B_PASSWORD',
        variables: { A_B_PASSWORD_2: 'of something else', A_B_C_PASSWORD_2: '' },
      },
    )
    expect(declarations.map(({ name, password }) => `${name} ${password}`)).toEqual([
      'a-b-2 A_B_PASSWORD_3',
      'a-b-c A_B_C_PASSWORD',
      'a-b-c-2 A_B_C_PASSWORD_3',
    ])
    expect(variables.map(({ name }) => name)).toEqual(declarations.map(({ password }) => password))
  })
  test('takes up what an import that was broken off has left in .env', () => {
    const { declarations, variables } = plan({ 'a.b': auth() }, { variables: { A_B_PASSWORD: 'pw' } })
    expect([declarations[0]?.password, variables]).toEqual(['A_B_PASSWORD', []])
  })
  test.each<[string, Credential, string | undefined, Partial<ImportRow>]>([
    ['the same', declared('x', 'a.b'), 'pw', {}],
    [
      'another secret',
      declared('x', 'a.b'),
      'old',
      { reason: 'declared with another secret: to rotate it, change TOKEN in .env' },
    ],
    [
      'a literal',
      declared('x', 'a.b', 'hunter2'),
      'hunter2',
      { reason: 'declared with another secret: to rotate it, change it there' },
    ],
    ['another name', declared('x', 'a.b', 'TOKEN', 'you'), 'pw', { reason: 'declared with the user name you' }],
    [
      'a command',
      declared('x', 'a.b', '$(pass show x)'),
      undefined,
      { reason: 'declared; its secret was not compared' },
    ],
  ])('leaves what is declared: %s', (_, credential, value, row) => {
    expect(plan({ 'a.b': auth() }, { credentials: [credential], knownValue: () => value })).toEqual({
      rows: [{ registry: 'a.b', state: 'already', name: 'x', ...row }],
      declarations: [],
      variables: [],
    })
  })
  test.each([
    ['AWS', '123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'aws-ecr'],
    ['AWS', 'public.ecr.aws', 'aws-ecr'],
    ['AWS', 'a.b', undefined],
    ['oauth2accesstoken', 'europe-docker.pkg.dev', 'gcp-access-token'],
    ['00000000-0000-0000-0000-000000000000', 'x.azurecr.io', 'azure-acr'],
    ['toString', 'a.b', undefined],
  ])('says of the token of %s for %s that %s makes new ones', (username, key, kind) => {
    const reason = plan({ [key]: auth('pw', username) }).rows[0]?.reason
    expect(reason).toBe(kind && `this is a token that expires in hours; with auth: ${kind} one is made for each run`)
  })
  test('can be had without those that no .env can hold', () => {
    const whole = plan({ 'a.b': auth(), 'c.d': auth() })
    expect(without(whole, ['A_B_PASSWORD'])).toEqual({
      rows: [
        { registry: 'a.b', state: 'skipped', reason: 'no quoting of a .env file can hold its password' },
        { registry: 'c.d', state: 'done', name: 'c-d', secret: 'C_D_PASSWORD' },
      ],
      declarations: [{ name: 'c-d', server: 'c.d', username: 'me', password: 'C_D_PASSWORD' }],
      variables: [{ name: 'C_D_PASSWORD', value: 'pw' }],
    })
  })
})

function caught(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}
