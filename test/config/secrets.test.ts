import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { InvalidConfig } from '../../src/config/problem.ts'
import { resolveSecrets, type Sources } from '../../src/config/secrets.ts'
import { JijiError } from '../../src/errors.ts'
import { processorTime } from '../processor-time.ts'
import { random } from '../shell/random.ts'
import { smallest } from './deploy-yml.ts'
import { folderWith } from './folder.ts'

type Given = {
  yaml?: string
  env?: Record<string, string>
  hostEnv?: boolean
  files?: Record<string, string | Uint8Array>
  environment?: string
  runCommand?: Sources['runCommand']
}

const withSecrets = (...names: string[]) =>
  smallest.replace('image: redis:7', `image: redis:7, environment: {secrets: [${names.join(', ')}]}`)

function load({ yaml = withSecrets('TOKEN'), files = {}, environment }: Given): Config {
  const overlay: Record<string, string | Uint8Array> = environment ? { [`.jiji/deploy.${environment}.yml`]: '' } : {}
  return loadConfig({ directory: folderWith({ '.jiji/deploy.yml': yaml, ...overlay, ...files }), environment })
}

async function valuesOf(given: Given): Promise<Record<string, string>> {
  const { env = {}, hostEnv = true, runCommand = () => Promise.reject(new Error('no command')) } = given
  const config = load(given)
  const secrets = await resolveSecrets(config, config, { environment: hostEnv ? env : undefined, runCommand })
  return Object.fromEntries(secrets.all.map(secret => [secret.name, secret.reveal()]))
}

async function problemsOf(given: Given): Promise<string[]> {
  try {
    await valuesOf(given)
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error
    return error.problems.map(
      ({ file, line, column, path, code, message, hint }) =>
        `${file.split('/').at(-1)}:${line}:${column} ${path} ${code}: ${message} (${hint})`,
    )
  }
}

describe('a secret is looked up', () => {
  const files = { '.env': 'TOKEN=from-file', '.env.staging': 'TOKEN=from-staging' }

  test.each<[string, Given, string]>([
    ['in the environment', { env: { TOKEN: 'from-env' }, files }, 'from-env'],
    ['in .env', { files }, 'from-file'],
    ['in .env.ENV before .env', { files, environment: 'staging' }, 'from-staging'],
    [
      'in .env where .env.ENV lacks it',
      { files: { '.env': 'TOKEN=a', '.env.staging': 'B=c' }, environment: 'staging' },
      'a',
    ],
    ['in the environment before .env.ENV', { env: { TOKEN: 'e' }, files, environment: 'staging' }, 'e'],
    ['not in .env.OTHER', { files: { '.env': 'TOKEN=a', '.env.other': 'TOKEN=b' }, environment: 'staging' }, 'a'],
    ['in files only, with --no-host-env', { env: { TOKEN: 'from-env' }, hostEnv: false, files }, 'from-file'],
    ['further on where it is empty', { env: { TOKEN: '' }, files }, 'from-file'],
    ['in .env beside .jiji', { files: { '.env': 'TOKEN=root', '.jiji/.env': 'TOKEN=wrong' } }, 'root'],
    ['under the name it has outside', { yaml: withSecrets('DB:TOKEN'), env: { TOKEN: 'v', DB: 'x' } }, 'v'],
  ])('%s', async (_, given, value) => expect(await valuesOf(given)).toEqual({ TOKEN: value }))
})

describe('a value survives to the byte', () => {
  const values = [
    'a$b ${HOME} $(id) `id`',
    'a+b/c=d==',
    'a|b;c&d>e<f',
    `it's "quoted"`,
    'one\ntwo\nthree',
    '  around  ',
    'a#b # c',
    'back\\slash\\n',
    '-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n',
    '{"type": "service_account", "key": "a\\nb"}',
    'pässwörd 😀',
    '%41%20',
    '=',
    'export X=1',
  ]
  test.each(values.map(value => [value]))('%j in the environment', async value => {
    expect(await valuesOf({ env: { TOKEN: value } })).toEqual({ TOKEN: value })
  })
  test.each(values.filter(value => !value.includes("'")).map(value => [value]))("%j in .env, in '…'", async value => {
    expect(await valuesOf({ files: { '.env': `A=1\nTOKEN='${value}'\nB=2\n` } })).toEqual({ TOKEN: value })
  })
  test.each([
    ['TOKEN=a$b${C}+d|e', 'a$b${C}+d|e'],
    ['TOKEN="it\'s"', "it's"],
    ['TOKEN="one\\ntwo"', 'one\ntwo'],
    ["TOKEN='one\\ntwo'", 'one\\ntwo'],
    ['export TOKEN=a', 'a'],
    ['TOKEN = a', 'a'],
    ['TOKEN=a=b', 'a=b'],
    ['\ufeffTOKEN=a', 'a'],
    ['TOKEN=a\r\nB=c\r\n', 'a'],
    ['# TOKEN=b\nTOKEN=a # why', 'a'],
    ['TOKEN=a\nTOKEN=b', 'b'],
  ])('.env %j: %j', async (text, value) => {
    expect(await valuesOf({ files: { '.env': text } })).toEqual({ TOKEN: value })
  })
})

describe('what is only half of a value in .env', () => {
  test.each<[string, RegExp]>([
    ['TOKEN="hunter2', /begins in line 1 with a quote that has no end.* \(put the same/],
    ['A=1\nTOKEN=`hunter2 # why\nB=2', /in line 2 with a quote that has no end/],
    ['TOKEN=-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----', /first line alone/],
    ['TOKEN=$(pass hunter2)', /is a command in line 1, which nobody runs there \(write \$\(…\) in deploy\.yml/],
    ['TOKEN="$(pass hunter2)"', /is a command/],
    ['export TOKEN=$hunter2', /is the name of a variable in line 1/],
    ['TOKEN=${hunter2}', /is the name of a variable/],
  ])('is a problem without a letter of it: %j', async (text, problem) => {
    const [found = '', ...more] = await problemsOf({ files: { '.env': text } })
    expect([found, more]).toEqual([expect.stringMatching(problem), []])
    expect(found).toContain('the secret TOKEN in .env ')
    expect(found).not.toContain('hunter')
  })
  test.each<[string, string]>([
    ["TOKEN='$(pass a)'", '$(pass a)'],
    ["TOKEN='$HOME'", '$HOME'],
    [`TOKEN='"a'`, '"a'],
    ['TOKEN=a"', 'a"'],
    ['TOKEN=$a$b', '$a$b'],
    ['TOKEN=$(a)b', '$(a)b'],
    ['TOKEN="-----BEGIN A-----\nb\n-----END A-----"', '-----BEGIN A-----\nb\n-----END A-----'],
  ])('is none where it is meant: %j', async (text, value) => {
    expect(await valuesOf({ files: { '.env': text } })).toEqual({ TOKEN: value })
  })
})

describe('a # without quotes', () => {
  const problem = (text: string, line = 1) =>
    `deploy.yml:5:49 services.web.environment.secrets.0 wrong-secret: the secret TOKEN in .env is cut off at a # in line ${line} (write it in quotes there, or with a space before the # if a comment is meant)${text}`

  test.each<[string, number]>([
    ['TOKEN=abc#def', 1],
    ['A=1\nB=2\n  export TOKEN = abc#def # why\n', 3],
    ['TOKEN=abc#', 1],
    ['TOKEN=#abc', 1],
    ['TOKEN: abc#def', 1],
    ['TOKEN="abc#def', 1],
    ["TOKEN='it's#x'", 1],
    ['TOKEN=a\r\nTOKEN=abc#def\r\n', 2],
    ['\ufeffTOKEN=abc#def', 1],
  ])('in a word is a problem: %j', async (text, line) => {
    expect(await problemsOf({ files: { '.env': text } })).toEqual([problem('', line)])
  })
  test('is a problem without a letter of the secret, or of what follows', async () => {
    const [text] = await problemsOf({ files: { '.env': 'TOKEN=hunter2#sesame' } })
    expect(text).not.toMatch(/hunter|sesame/)
  })
  test.each<[string, string]>([
    ['TOKEN=abc # def', 'abc'],
    ['TOKEN=abc\t#def', 'abc'],
    ['TOKEN=abc  # a#b', 'abc'],
    ['TOKEN="abc#def"', 'abc#def'],
    ["TOKEN='abc#def' # why", 'abc#def'],
    ['TOKEN=`abc#def`', 'abc#def'],
    ['TOKEN=abc#def\nTOKEN=abc', 'abc'],
    ["NOTE='\nTOKEN=other#x\n'\nTOKEN=abc", 'abc'],
    ['OTHER=abc#def\nTOKEN=abc', 'abc'],
    ['TOKEN_2=abc#def\nTOKEN=abc', 'abc'],
    ['# TOKEN=abc#def\nTOKEN=abc', 'abc'],
  ])('elsewhere is a comment, or part of the value: %j', async (text, value) => {
    expect(await valuesOf({ files: { '.env': text } })).toEqual({ TOKEN: value })
  })
  test('is no matter where the value comes from elsewhere', async () => {
    const files = { '.env': 'TOKEN=abc#def' }
    expect(await valuesOf({ files, env: { TOKEN: 'e' } })).toEqual({ TOKEN: 'e' })
    expect(await valuesOf({ files: { ...files, '.env.staging': 'TOKEN=s' }, environment: 'staging' })).toEqual({
      TOKEN: 's',
    })
  })
  test('does not give way to a file that is searched later', async () => {
    const files = { '.env': 'TOKEN=old', '.env.staging': 'TOKEN=#new' }
    expect((await problemsOf({ files, environment: 'staging' }))[0]).toContain('TOKEN in .env.staging is cut off')
  })
})

describe('a quote in .env', () => {
  test.each([
    ['TOKEN="abc\nB=2', 'begins in line 1 with a quote that has no end, or more after its end'],
    ["A=1\nTOKEN='-----BEGIN\nabc\nB=2", 'begins in line 2 with a quote that has no end, or more after its end'],
    ['TOKEN="a"b', 'begins in line 1 with a quote that has no end, or more after its end'],
    [String.raw`TOKEN="{\"a\": 1}"`, String.raw`has \" in line 1 or after it, where the \ would be a part of it`],
  ])('that is not one is a problem, without a letter of the secret: %j', async (text, message) => {
    const [problem] = await problemsOf({ files: { '.env': text } })
    expect(problem).toContain(`the secret TOKEN in .env ${message} (`)
  })
  test.each([
    ['TOKEN=\'"a"\'', '"a"'],
    ['TOKEN=a"b', 'a"b'],
    [String.raw`TOKEN='a\"b'`, String.raw`a\"b`],
    [String.raw`TOKEN=a\"b`, String.raw`a\"b`],
    ['TOKEN="a" # why', 'a'],
    ['TOKEN="a\nb"\nB=2', 'a\nb'],
  ])('that is one, or a part of the value, is none: %j', async (text, value) => {
    expect(await valuesOf({ files: { '.env': text } })).toEqual({ TOKEN: value })
  })
})

describe('bytes', () => {
  test('among which is a NUL are a problem', async () => {
    const why = 'the secret has a NUL in it, which cannot be passed to any program'
    expect(await problemsOf({ files: { '.env': 'TOKEN=a\0b' } })).toEqual([expect.stringContaining(why)])
  })
  test('that are not UTF-8 are a problem of the name that has them', async () => {
    const latin1 = Buffer.from('OTHER=pässwörd\nTOKEN=plain\n', 'latin1')
    expect(await valuesOf({ files: { '.env': latin1 } })).toEqual({ TOKEN: 'plain' })
    expect(await problemsOf({ yaml: withSecrets('OTHER'), files: { '.env': latin1 } })).toEqual([
      'deploy.yml:5:49 services.web.environment.secrets.0 wrong-secret: the secret OTHER in .env has bytes that are not UTF-8 (save the file as UTF-8, or put the value in base64)',
    ])
  })
  test('of what Windows calls Unicode are read', async () => {
    const utf16 = Buffer.from('\ufeffTOKEN=pässwörd 😀\r\nB=c\r\n', 'utf16le')
    expect(await valuesOf({ files: { '.env': utf16 } })).toEqual({ TOKEN: 'pässwörd 😀' })
  })
})

describe('a hostile .env gives an error or a result, and soon', () => {
  const ends = async (bytes: string | Uint8Array) => {
    const start = processorTime()
    const outcome = await valuesOf({ files: { '.env': bytes } }).catch((error: unknown) => error)
    expect(processorTime() - start).toBeLessThan(3000)
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(JijiError)
    expect(Object.prototype).toEqual({})
    return outcome
  }
  const many = 200_000

  test.each<[string, string]>([
    ['empty lines', '\n'.repeat(many)],
    ['empty lines of Windows', '\r\n'.repeat(many / 2)],
    ['empty lines of another kind', '\u2028'.repeat(many / 3)],
    ['lines of spaces', ' \n'.repeat(many / 2)],
    ['almost too many empty lines, again and again', `${'\n'.repeat(199)}!`.repeat(many / 200)],
    ['spaces', ' '.repeat(many)],
    ['spaces after a name', `TOKEN${' '.repeat(many)}!`],
    ['spaces after a sign', `TOKEN=${' '.repeat(many)}#`],
    ['quotes', `TOKEN='${"\\'".repeat(many / 2)}`],
    ['quotes that do not end', `TOKEN="'\`\n`.repeat(many / 10)],
    ['exports', 'export '.repeat(many / 7)],
    ['hashes', `TOKEN=${'#'.repeat(many)}`],
    ['a long word', 'a'.repeat(many)],
    ['many names', Array.from({ length: many / 20 }, (_, index) => `N${index}=a#b`).join('\n')],
    ['too much', `TOKEN=${'a'.repeat(1_000_000)}`],
    ['names of methods', '__proto__=x\nconstructor=x\nprototype.polluted=x\ntoString=x\nTOKEN=x'],
  ])('%s', async (_, text) => void (await ends(text)))

  test('bytes by chance', async () => {
    const { next, pick, text } = random(41)
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(Array.from({ length: Math.floor(next() * 200) }, () => Math.floor(next() * 256)))
      await ends(Buffer.concat([Buffer.from(pick(['', 'TOKEN=', '\ufeff', "export TOKEN='"])), bytes]))
      await ends(`${pick(['', 'TOKEN=', 'A=1\nTOKEN: ', '__proto__='])}${text(60)}\n${text(60)}`)
    }
  })

  test('a value in quotes that do not occur in it survives whatever it is', async () => {
    const { text } = random(42)
    for (let round = 0; round < 400; round++) {
      const value = text(40).replaceAll("'", '')
      if (value.trim() === '') continue
      // Files have lines that end in \n, and nothing else is lost.
      const file = `A='${text(5).replaceAll("'", '')}'\nTOKEN='${value}'\nB=2\n`
      expect(await ends(file)).toEqual({ TOKEN: value.replace(/\r\n?/g, '\n') })
    }
  })

  test('a device without an end', async () => {
    const config = load({})
    symlinkSync('/dev/zero', join(config.root, '.env'))
    await expect(resolveSecrets(config, config, { environment: {}, runCommand: async () => '' })).rejects.toMatchObject(
      {
        code: 'config.missing',
        message: expect.stringMatching(/\.env cannot be read: it is no file/),
      },
    )
  })
})

describe('what is missing', () => {
  test('is named all at once, with places', async () => {
    const yaml = `${withSecrets('FIRST', 'SECOND', 'THIRD')}builder: {registry: {server: a.b, username: me, password: FOURTH}}
`
    expect(await problemsOf({ yaml, env: { SECOND: 'x', THIRD: '' } })).toEqual([
      'deploy.yml:5:49 services.web.environment.secrets.0 missing-secret: the secret FIRST is not set (searched: the environment, .env)',
      'deploy.yml:5:64 services.web.environment.secrets.2 missing-secret: the secret THIRD is not set (searched: the environment (empty there), .env)',
      'deploy.yml:6:59 builder.registry.password missing-secret: the secret FOURTH is not set (searched: the environment, .env)',
    ])
  })
  test('says where was searched, with an environment and without the host', async () => {
    expect((await problemsOf({ environment: 'staging', files: { '.env': 'TOKEN=' } }))[0]).toContain(
      '(searched: the environment, .env.staging, .env (empty there))',
    )
    expect((await problemsOf({ hostEnv: false, env: { TOKEN: 'x' } }))[0]).toContain('(searched: .env)')
  })
  test('keeps every command from running', async () => {
    const yaml = `${withSecrets('TOKEN')}builder: {registry: {server: a.b, username: me, password: "$(pass show x)"}}`
    let ran = 0
    const runCommand = async () => `${++ran}`
    expect(await problemsOf({ yaml, runCommand })).toHaveLength(1)
    expect(ran).toBe(0)
  })
  test('is no matter in parts that are not used', async () => {
    const config = load({ yaml: `${withSecrets('TOKEN')}ssh: {keys: [~/.ssh/id, DEPLOY_KEY]}` })
    const secrets = await resolveSecrets(config, [config.ssh, config.servers], {
      environment: { DEPLOY_KEY: 'key' },
      runCommand: async () => '',
    })
    expect(config.ssh.keys.map(key => String(secrets.fileOf(key)))).toEqual(['~/.ssh/id', '[DEPLOY_KEY]'])
    const unasked = config.services[0]?.environment.secrets[0]?.secret
    expect(() => unasked && secrets.of(unasked)).toThrow('services.web.environment.secrets.0 was not asked for')
  })
})

describe('a command', () => {
  const yaml = `${smallest}builder: {registry: {server: a.b, username: me, password: "$(pass show x)"}}
registries:
  one: {server: c.d, username: me, password: "$(pass show x)"}
  two: {server: e.f, username: me, password: "$(pass show y)"}
`
  test('runs once for each text', async () => {
    const ran: string[] = []
    const runCommand = async (command: string) => {
      ran.push(command)
      return `value of ${command}`
    }
    expect(await valuesOf({ yaml, runCommand })).toEqual({
      'builder.registry.password': 'value of pass show x',
      'registries.one.password': 'value of pass show x',
      'registries.two.password': 'value of pass show y',
    })
    expect(ran).toEqual(['pass show x', 'pass show y'])
  })
  test('that fails is the failure', async () => {
    const failure = new JijiError('secret.command-failed', 'the command of a secret ended with status 1')
    await expect(valuesOf({ yaml, runCommand: () => Promise.reject(failure) })).rejects.toBe(failure)
  })
})

describe('a literal', () => {
  test('is the value itself, under the name of its key', async () => {
    const yaml = `${smallest}builder: {registry: {server: a.b, username: me, password: hunter2}}`
    expect(await valuesOf({ yaml })).toEqual({ 'builder.registry.password': 'hunter2' })
  })
})

describe('a value is never shown', () => {
  test('not in secrets, however they are printed', async () => {
    const config = load({})
    const secrets = await resolveSecrets(config, config, {
      environment: { TOKEN: 'hunter2' },
      runCommand: async () => '',
    })
    const texts = [
      inspect(secrets, { depth: 9, showHidden: true }),
      JSON.stringify(secrets),
      JSON.stringify(secrets.all),
      `${secrets.all}`,
    ]
    for (const text of texts) expect(text).not.toContain('hunter2')
  })
  test('not in the error about others', async () => {
    const config = load({ yaml: withSecrets('TOKEN', 'OTHER') })
    const error = await resolveSecrets(config, config, {
      environment: { TOKEN: 'hunter2' },
      runCommand: async () => '',
    }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(InvalidConfig)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
    expect(JSON.stringify(error)).not.toContain('hunter2')
  })
})

test('a .env that cannot be read is an error of the user', async () => {
  const broken = load({ files: { '.env/x': '' } })
  await expect(resolveSecrets(broken, broken, { environment: {}, runCommand: async () => '' })).rejects.toMatchObject({
    code: 'config.missing',
    message: expect.stringMatching(/\.env cannot be read/),
  })
})
