import { describe, expect, test } from 'vitest'
import { type Config, type Credential, credentialsOf } from '../../src/config/config.ts'
import { Secret } from '../../src/config/secret.ts'
import { JijiError } from '../../src/errors.ts'
import { answerGet, answerList, answerStore, type Declared } from '../../src/registry/credential-helper.ts'
import { configOf, smallest } from '../config/deploy-yml.ts'
import { random } from '../shell/random.ts'

const hub = 'https://index.docker.io/v1/'
const config = configOf(`${smallest}builder: {registry: {server: ghcr.io/first, username: First, password: FIRST}}
registries:
  company: {server: ghcr.io/company, username: company, password: COMPANY}
  team: {server: ghcr.io/company/team, username: team, password: TEAM}
  official: {server: docker.io/library, username: official, password: OFFICIAL}
  hub: {server: docker.io, username: hub, password: HUB}
  private: {server: "registry.example.com:5000", username: private, password: PRIVATE}
  here: {server: localhost, username: here, password: HERE}
`)

/** Every secret is its name in small letters; `asked` are those that were looked up. */
function declaredBy({ builder, registries }: Pick<Config, 'builder' | 'registries'>, asked: string[] = []): Declared {
  const secretOf = async ({ secret }: Credential) => {
    asked.push(secret.text)
    return new Secret(secret.text, secret.text.toLowerCase())
  }
  return { credentials: credentialsOf({ builder, registries }), file: '/project/.jiji/deploy.yml', secretOf }
}

const nothing: Declared = { credentials: [], file: undefined, secretOf: () => Promise.reject(new Error('asked')) }
const notFound = { text: 'credentials not found in native keychain\n', isError: true }

describe('get', () => {
  test.each<[asked: string, username: string]>([
    ['registry.example.com:5000', 'private'],
    ['https://registry.example.com:5000', 'private'],
    ['REGISTRY.example.com:5000/v2/', 'private'],
    ['https://registry.example.com:5000/v1', 'private'],
    [' registry.example.com:5000 \n', 'private'],
    [hub, 'hub'],
    ['docker.io', 'hub'],
    ['index.docker.io', 'hub'],
    ['registry-1.docker.io', 'hub'],
    ['docker.io/library/redis', 'official'],
    ['docker.io/other', 'hub'],
    ['ghcr.io', 'First'],
    ['https://ghcr.io/', 'First'],
    ['ghcr.io:443', 'First'],
    ['ghcr.io/company', 'company'],
    ['ghcr.io/company/app', 'company'],
    ['ghcr.io/company/team/app', 'team'],
    ['localhost', 'here'],
  ])('%j: %s', async (asked, username) => {
    const { text, isError } = await answerGet(asked, declaredBy(config))
    const ServerURL = asked.trim()
    expect([JSON.parse(text), isError]).toEqual([
      { ServerURL, Username: username, Secret: username.toLowerCase() },
      false,
    ])
  })

  test.each([
    'registry.example.com',
    'registry.example.com:5001',
    'quay.io',
    'ghcr.io/comp',
    'ghcr.io/companyx/app',
    'localhost:5000',
    'evil.example/ghcr.io',
    'ghcr.io.evil.example',
    // A word is a host of somebody's network, and not Docker Hub, which it would be in the name of an image.
    'registry',
    'library',
    'https://registry/v2/',
    // Docker's own accounts, which are no registry.
    `${hub}access-token`,
    `${hub}refresh-token`,
  ])('%j: nothing that is declared', async asked => {
    expect(await answerGet(asked, declaredBy(config))).toEqual(notFound)
  })

  test('looks up the one secret that is asked for', async () => {
    const asked: string[] = []
    await answerGet('ghcr.io/company/app', declaredBy(config, asked))
    await answerGet('quay.io', declaredBy(config, asked))
    expect(asked).toEqual(['COMPANY'])
  })
  test('gives a secret to the byte', async () => {
    const value = 'pa$$"\\ \n-----END KEY-----\né😀\u2028'
    const { text } = await answerGet('ghcr.io', { ...declaredBy(config), secretOf: async () => new Secret('A', value) })
    expect(JSON.parse(text).Secret).toBe(value)
  })
  test('without a configuration', async () => expect(await answerGet('ghcr.io', nothing)).toEqual(notFound))
  test('of nothing', async () =>
    expect(await answerGet(' \n', nothing)).toEqual({ text: 'no credentials server URL\n', isError: true }))
  test('never repeats a password that stands in an address', async () => {
    const error = await answerGet('https://me:hunter2@ghcr.io', declaredBy(config)).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(JijiError)
    expect(String(error)).not.toContain('hunter2')
  })
})

describe('list', () => {
  test('has one for each host, by the name that Docker has for it, and looks up no secret', () => {
    const asked: string[] = []
    const { text, isError } = answerList(declaredBy(config, asked))
    expect([JSON.parse(text), isError, asked]).toEqual([
      { 'ghcr.io': 'First', [hub]: 'hub', 'registry.example.com:5000': 'private', localhost: 'here' },
      false,
      [],
    ])
  })
  test('names what get then answers for', async () => {
    for (const [server, username] of Object.entries(JSON.parse(answerList(declaredBy(config)).text))) {
      expect(JSON.parse((await answerGet(server, declaredBy(config))).text).Username).toBe(username)
    }
  })
  test('without a configuration is empty', () => expect(answerList(nothing)).toEqual({ text: '{}\n', isError: false }))
})

describe('store', () => {
  const store = (server: string, username: string, secret: string, declared = declaredBy(config)) =>
    answerStore(JSON.stringify({ ServerURL: server, Username: username, Secret: secret }), declared)

  test.each<[string, Promise<unknown>, string]>([
    [
      'what nobody declares, with the place to declare it',
      store('https://quay.io', 'me', 'hunter2'),
      'jiji stores no credentials: declare quay.io under registries in /project/.jiji/deploy.yml',
    ],
    [
      'without a configuration',
      store(hub, 'me', 'hunter2', nothing),
      'jiji stores no credentials: declare docker.io under registries in a .jiji/deploy.yml (jiji init writes one)',
    ],
    [
      'another secret for what is declared',
      store('registry.example.com:5000', 'private', 'hunter2'),
      'nothing was stored, because registry.example.com:5000 is declared in /project/.jiji/deploy.yml: change its secret where private takes it from',
    ],
    [
      'another user, without looking up the secret',
      store('registry.example.com:5000', 'other', 'hunter2', {
        ...declaredBy(config),
        secretOf: () => Promise.reject(new Error('asked')),
      }),
      'nothing was stored, because registry.example.com:5000 is declared in /project/.jiji/deploy.yml: change its secret where private takes it from',
    ],
  ])('refuses %s', async (_, answer, text) => expect(await answer).toEqual({ text: `${text}\n`, isError: true }))

  test('succeeds where it changes nothing', async () => {
    expect(await store('registry.example.com:5000', 'private', 'private')).toEqual({ text: '', isError: false })
  })
  test.each(['', '{', 'null', '5', '[]', '{"ServerURL":5}', '{"ServerURL":"ghcr.io","Secret":"hunter2"}'])(
    'of %j is an error that does not repeat it',
    async input => {
      const error = await answerStore(input, declaredBy(config)).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'usage', message: 'expected JSON with ServerURL, Username and Secret' })
    },
  )
})

describe('whatever is asked, there is an answer or an error of its own', () => {
  const { next, pick, text } = random(99)
  const parts = ['ghcr.io', 'https://', 'docker.io', '/v1/', '/', ':5000', '@', '[::1]', '..', '__proto__', '%2f', '\0']
  const piece = () => pick([() => pick(parts), () => text(4), () => String.fromCharCode(next() * 65_536)])()

  test.each<[string, (input: string) => unknown]>([
    ['get', input => answerGet(input, declaredBy(config))],
    ['store', input => answerStore(input, declaredBy(config))],
    [
      'store of JSON',
      input =>
        answerStore(JSON.stringify({ ServerURL: input, Username: pick(['private', input]), Secret: 'x' }), nothing),
    ],
  ])('%s', async (_, ask) => {
    for (let round = 0; round < 3000; round++) {
      const input = Array.from({ length: Math.floor(next() * 6) }, piece).join('')
      try {
        const { text } = (await ask(input)) as { text: string }
        expect(text === '' || text.endsWith('\n')).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(JijiError)
      }
    }
  })
  test('an address without an end', async () => {
    for (const input of ['a'.repeat(900_000), '/'.repeat(900_000), `ghcr.io/${'a/'.repeat(400_000)}`]) {
      const error = await answerGet(input, declaredBy(config)).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(JijiError)
      expect(String(error).length).toBeLessThan(200)
    }
  })
})
