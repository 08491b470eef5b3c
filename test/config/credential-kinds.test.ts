import { describe, expect, test } from 'vitest'
import { authKindNames, lifetimeOf, loginAdvice, mintCommand, programOf } from '../../src/config/auth-kinds.ts'
import { credentialsOf } from '../../src/config/config.ts'
import { InvalidConfig } from '../../src/config/problem.ts'
import { findSecrets, resolveSecrets, sourceOf } from '../../src/config/secrets.ts'
import { configOf, linesOf, problemsOf, smallest } from './deploy-yml.ts'

const withOne = (text: string) => `${smallest}registries: {one: {${text}}}\n`
const problemsWith = (text: string) => linesOf(problemsOf(withOne(text))).map(line => line.replace(/^\S+ /, ''))

const pem = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n'
const account = { type: 'service_account', project_id: 'p', client_email: 'a@p.iam', private_key: pem }
const keyText = JSON.stringify(account, null, 2)

describe('each kind of credential', () => {
  test.each<[string, string, string, string]>([
    ['server: a.b, username: Me, password: TOKEN', 'password', 'Me', 'TOKEN'],
    ['server: a.b, username: ns+robot, password: TOKEN', 'password', 'ns+robot', 'TOKEN'],
    ['server: a.b, username: robot$x, password: TOKEN', 'password', 'robot$x', 'TOKEN'],
    ['server: nvcr.io, username: $oauthtoken, password: TOKEN', 'password', '$oauthtoken', 'TOKEN'],
    ['server: a.b, username: me, password: $(pass show x)', 'password', 'me', '$(pass show x)'],
    ['server: europe-docker.pkg.dev, auth: gcp-service-account, key: KEY', 'gcp-service-account', '_json_key', 'KEY'],
    ['server: gcr.io, auth: gcp-service-account, key_file: k.json', 'gcp-service-account', '_json_key', 'k.json'],
    [
      'server: 123456789012.dkr.ecr.eu-west-1.amazonaws.com, auth: aws-ecr',
      'aws-ecr',
      'AWS',
      '$(aws ecr get-login-password --region eu-west-1)',
    ],
    [
      'server: public.ecr.aws/alias, auth: aws-ecr, username: AWS',
      'aws-ecr',
      'AWS',
      '$(aws ecr-public get-login-password --region us-east-1)',
    ],
    [
      'server: us-docker.pkg.dev/p/r, auth: gcp-access-token',
      'gcp-access-token',
      'oauth2accesstoken',
      '$(gcloud auth print-access-token)',
    ],
    [
      'server: shop.azurecr.io, auth: azure-acr',
      'azure-acr',
      '00000000-0000-0000-0000-000000000000',
      '$(az acr login --name shop --expose-token --output tsv --query accessToken)',
    ],
    ['server: ghcr.io, auth: github', 'github', 'x-access-token', '$(gh auth token)'],
    ['server: ghcr.io/me, auth: github, username: me', 'github', 'me', '$(gh auth token)'],
  ])('%s', (text, auth, username, secret) => {
    const [one] = credentialsOf(configOf(withOne(text)))
    expect([one?.auth, one?.username, one?.secret.text]).toEqual([auth, username, secret])
  })
  test('can be that of the builder', () => {
    const builder = 'builder: {registry: {server: 123456789012.dkr.ecr.eu-west-1.amazonaws.com, auth: aws-ecr}}'
    expect(credentialsOf(configOf(`${smallest}${builder}`))).toMatchObject([
      { name: 'builder.registry', auth: 'aws-ecr', username: 'AWS' },
    ])
  })
  test('says who is to be asked', () => {
    const text = 'server: a.b, username: me, password: TOKEN, description: the platform team'
    expect(credentialsOf(configOf(withOne(text)))).toMatchObject([{ description: 'the platform team' }])
  })
  test('lives as long as its registry says', () => {
    const hours = Object.fromEntries(authKindNames.map(kind => [kind, (lifetimeOf(kind) ?? 0) / 3_600_000]))
    expect(hours).toEqual({
      password: 0,
      'gcp-service-account': 0,
      'aws-ecr': 12,
      'gcp-access-token': 1,
      'azure-acr': 3,
      github: 0,
    })
  })
})

describe('keys that do not go together', () => {
  const one = 'registries.one'
  test.each<[string, string[]]>([
    ['server: a.b', [`${one} missing-key: username is missing: expected text (add \`username\` and \`password\`)`]],
    ['server: a.b, auth: pasword, username: x, password: X', [expect.stringContaining(`${one}.auth wrong-value`)]],
    [
      'server: a.b, auth: gcp-service-account',
      [
        `${one}.auth missing-key: key or key_file is missing: gcp-service-account needs one (add \`key: GCP_KEY\`, the name of a secret, or \`key_file: ./key.json\`)`,
      ],
    ],
    [
      'server: a.b, auth: gcp-service-account, key: K, key_file: k.json',
      [`${one}.key_file conflict: key and key_file exclude each other`],
    ],
    [
      'server: a.b, auth: gcp-service-account, key: K, username: me',
      [`${one}.username conflict: with auth: gcp-service-account the username is _json_key (remove \`username\`)`],
    ],
    [
      'server: a.b, username: me, key: K',
      [`${one}.key conflict: auth: password has no key (remove \`key\`, or write auth: gcp-service-account)`],
    ],
    [
      'server: public.ecr.aws, auth: aws-ecr, password: X',
      [`${one}.password conflict: auth: aws-ecr has no password (remove \`password\`)`],
    ],
    [
      'server: public.ecr.aws, auth: aws-ecr, username: aws',
      [`${one}.username conflict: with auth: aws-ecr the username is AWS (remove \`username\`)`],
    ],
    ['server: "a b", auth: aws-ecr', [expect.stringContaining(`${one}.server wrong-value`)]],
  ])('%s', (text, lines) => expect(problemsWith(text)).toEqual(lines))

  test.each<[string, string]>([
    ['aws-ecr', 'ghcr.io'],
    ['aws-ecr', '123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example'],
    ['aws-ecr', '12.dkr.ecr.eu-west-1.amazonaws.com'],
    ['github', 'docker.io'],
    ['github', 'ghcr.io.evil.example'],
    ['gcp-access-token', 'pkg.dev.evil.example'],
    ['gcp-access-token', 'evilgcr.io'],
    ['azure-acr', 'azurecr.io'],
    ['azure-acr', 'a.azurecr.io.evil.example'],
  ])('a token of %s is not for %s', (auth, server) => {
    expect(problemsWith(`server: ${server}, auth: ${auth}`)).toEqual([
      expect.stringMatching(`registries.one.auth conflict: auth: ${auth} is for .*, not for ${server}`),
    ])
  })
})

describe("the image's own registry", () => {
  const service = (text: string, registries = 'one: {server: ghcr.io/company, username: me, password: X}') =>
    linesOf(problemsOf(`${smallest.replace('image: redis:7', text)}registries: {${registries}}\n`)).map(line =>
      line.replace(/^\S+ /, ''),
    )
  test('is one that is declared, of the same host', () => {
    expect(service('image: ghcr.io/another/app, registry: one')).toEqual([])
  })
  test.each<[string, string]>([
    ['image: ghcr.io/a/b, registry: on', 'unknown-registry: there is no registry on (did you mean one?)'],
    [
      'image: ghcr.io/a/b, registry: zzzzz',
      'unknown-registry: there is no registry zzzzz (declared under registries: one)',
    ],
    [
      'image: quay.io/a/b, registry: one',
      'conflict: the image comes from quay.io, and one is a credential for ghcr.io (a credential is sent to its own registry only)',
    ],
    [
      'build: {}, registry: one',
      'conflict: registry is for an image that is only pulled (what is built goes to builder.registry)',
    ],
  ])('%s', (text, problem) => expect(service(text)).toEqual([`services.web.registry ${problem}`]))
})

describe('a service account key', () => {
  const resolve = async (value: string, field = 'key: KEY', files: Record<string, string> = {}) => {
    const config = configOf(withOne(`server: gcr.io, auth: gcp-service-account, ${field}`), undefined, files)
    const runCommand = async () => value
    const secrets = await resolveSecrets(config, config.registries, { environment: { KEY: value }, runCommand })
    return secrets.all[0]?.reveal()
  }
  test.each([
    ['raw', keyText],
    ['in base64', Buffer.from(keyText).toString('base64')],
    [
      'in base64 of several lines',
      (
        Buffer.from(keyText)
          .toString('base64')
          .match(/.{1,76}/g) ?? []
      ).join('\n'),
    ],
  ])('may be %s', async (_, value) => expect(await resolve(value)).toBe(keyText))
  test('may be a file', async () => {
    expect(await resolve('', 'key_file: .jiji/k.json', { '.jiji/k.json': keyText })).toBe(keyText)
  })
  test('may come from a command', async () => expect(await resolve(keyText, 'key: $(vault read key)')).toBe(keyText))

  test.each<[string, string]>([
    [pem, 'this is the private key alone: the whole JSON file is needed, with type, project_id and client_email'],
    [
      JSON.stringify({ ...account, type: 'authorized_user' }),
      'it is no service account key: its type is not service_account',
    ],
    [
      JSON.stringify({ type: 'service_account', project_id: 'p' }),
      'the service account key lacks client_email, private_key',
    ],
    [JSON.stringify({ ...account, private_key: 'MIIE' }), 'the private_key in the service account key is no PEM text'],
    [keyText.slice(0, -9), 'the service account key is not valid JSON; has a part of it been lost?'],
    ['hunter2', 'expected the JSON of a service account key, raw or in base64'],
  ])('%j is refused before anybody is asked', async (value, message) => {
    const refused = await resolve(value).catch(error => error)
    expect(refused).toBeInstanceOf(InvalidConfig)
    expect(refused.problems).toMatchObject([{ path: 'registries.one.key', code: 'wrong-secret', message, line: 6 }])
    expect(JSON.stringify(refused.problems)).not.toContain('hunter2')
  })
  test('names a file that is not there', async () => {
    expect((await resolve('', 'key_file: nowhere.json').catch(error => error)).problems).toMatchObject([
      { path: 'registries.one.key_file', code: 'missing-file', message: expect.stringMatching(/nowhere.json.*ENOENT/) },
    ])
  })
  test('is hidden in every form it comes in', () => {
    const config = configOf(withOne('server: gcr.io, auth: gcp-service-account, key: KEY'))
    const given = Buffer.from(keyText).toString('base64')
    const hidden = findSecrets(config, { KEY: given }).map(secret => secret.reveal())
    expect(hidden).toEqual(expect.arrayContaining([given, keyText]))
  })
})

describe('a command that prints a token', () => {
  test('runs once, however often its token is needed', async () => {
    const text = `${smallest}registries:
  one: {server: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/a, auth: aws-ecr}
  two: {server: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/b, auth: aws-ecr}
  three: {server: 123456789012.dkr.ecr.eu-west-2.amazonaws.com, auth: aws-ecr}
`
    const config = configOf(text)
    const ran: string[] = []
    const runCommand = async (command: string) => {
      ran.push(command)
      return 'token'
    }
    await resolveSecrets(config, config.registries, { environment: {}, runCommand })
    expect(ran).toEqual([
      'aws ecr get-login-password --region eu-west-1',
      'aws ecr get-login-password --region eu-west-2',
    ])
  })
  test.each<[string, string, RegExp | undefined]>([
    ['aws ecr get-login-password', 'aws', /aws sso login/],
    ['AWS_PROFILE=ci aws ecr get-login-password', 'aws', /aws sso login/],
    ['gcloud auth print-access-token', 'gcloud', /gcloud auth login/],
    ['az acr login', 'az', /az login/],
    ['gh auth token', 'gh', /gh auth login/],
    ['pass show x', 'pass', undefined],
    ['constructor', 'constructor', undefined],
  ])('%s is %s', (command, program, advice) => {
    expect(programOf(command)).toBe(program)
    if (advice) expect(loginAdvice(command)).toMatch(advice)
    else expect(loginAdvice(command)).toBeUndefined()
  })
  test.each<[string, string | undefined]>([
    ['123456789012.dkr.ecr.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['123456789012.dkr.ecr-fips.us-east-1.amazonaws.com', 'us-east-1'],
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['123456789012.dkr-ecr.eu-west-1.on.aws', 'eu-west-1'],
    ['quay.io', undefined],
  ])('knows the region of %s', (host, region) => {
    expect(mintCommand('aws-ecr', host)).toBe(region && `aws ecr get-login-password --region ${region}`)
  })
})

describe('where a secret comes from', () => {
  test.each<[string, string]>([
    ['username: me, password: TOKEN', 'TOKEN in the environment'],
    ['username: me, password: FILED', 'FILED in .env'],
    ['username: me, password: NOWHERE', 'NOWHERE, which is not set'],
    ['username: me, password: $(pass show x)', 'the command pass show x'],
    ['username: me, password: hunter2', 'the configuration itself'],
    ['auth: gcp-service-account, key_file: ./k.json', 'the file ./k.json'],
  ])('%s', (text, source) => {
    const config = configOf(withOne(`server: a.b, ${text}`), undefined, { '.env': 'FILED=x\n' })
    const [one] = credentialsOf(config)
    expect(one && sourceOf(config, one.secret, { TOKEN: 'x' })).toBe(source)
  })
})
