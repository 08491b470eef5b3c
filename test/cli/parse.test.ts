import { afterEach, describe, expect, test, vi } from 'vitest'
import { catalogue } from '../../src/cli/catalogue.ts'
import type { Command } from '../../src/cli/command.ts'
import { helpText } from '../../src/cli/help.ts'
import { Options } from '../../src/cli/options.ts'
import { type Invocation, parse } from '../../src/cli/parse.ts'
import type { JijiError } from '../../src/errors.ts'

const withArguments: readonly Command[] = [
  ...catalogue,
  {
    name: 'show it',
    arguments: '[what]',
    summary: 'Show',
    shared: [],
    load: () => Promise.reject(new Error('not loaded')),
  },
]

afterEach(() => vi.restoreAllMocks())

const invoke = (words: string[], environment = {}) => parse(withArguments, words, environment)
const run = (words: string[], environment = {}) => invoke(words, environment) as Exclude<Invocation, { help: unknown }>

/** `deploy version=1.10 yes`: a command, its options by their long names, and its arguments. */
function readOut(words: string[], names: readonly string[]): string {
  const { command, args, options } = run(words)
  const given = names.flatMap(name => {
    const list = options.list(name)
    return list === undefined ? [] : list.join() === '' && options.flag(name) ? [name] : [`${name}=${list.join('|')}`]
  })
  return [command.name, ...given, ...args.map(arg => `<${arg}>`)].join(' ')
}

function failureOf(words: string[]): JijiError {
  try {
    invoke(words)
  } catch (error) {
    return error as JijiError
  }
  throw new Error('it did not fail')
}

function helpOf(words: string[]): string | undefined {
  const invocation = invoke(words)
  return 'help' in invocation ? helpText(invocation.help) : undefined
}

describe('words become a command, its options and its arguments', () => {
  test.each<[string, string]>([
    ['deploy', 'deploy'],
    ['version', 'version'],
    ['--version', 'version'],
    ['registry login', 'registry login'],
    ['lock status', 'lock status'],
    ['registry login --skip-remote -L', 'registry login skip-local skip-remote'],

    ['deploy --version 1.10', 'deploy version=1.10'],
    ['deploy --version 12345e7', 'deploy version=12345e7'],
    ['deploy --version 0x10', 'deploy version=0x10'],
    ['deploy --version 007', 'deploy version=007'],
    ['deploy --version true', 'deploy version=true'],
    ['deploy --version=1.10', 'deploy version=1.10'],
    ['deploy --version=a=b', 'deploy version=a=b'],
    ['deploy --version 1.10 --version 2.0', 'deploy version=1.10|2.0'],

    ['logs --since -5m', 'logs since=-5m'],
    ['logs --since --follow', 'logs since=--follow'],
    ['logs -n 20 -f', 'logs follow lines=20'],
    ['logs -n -5', 'logs lines=-5'],
    ['deploy -H a -H b,c -S web*', 'deploy hosts=a|b,c services=web*'],
    ['-e staging deploy -y', 'deploy environment=staging yes'],
    ['registry -e staging login', 'registry login environment=staging'],
    ['deploy -y -y --yes', 'deploy yes=||'],
    ['deploy --no-cache --no-host-env --dry-run', 'deploy no-cache no-host-env dry-run'],
    ['build --no-push', 'build no-push'],

    ['exec web ls -la --hosts a -- b', 'exec <web> <ls> <-la> <--hosts> <a> <--> <b>'],
    ['exec web -H web1 --all -- ls -la', 'exec hosts=web1 all <web> <ls> <-la>'],
    ['exec web -- -x', 'exec <web> <-x>'],
    ['exec web ls --help', 'exec <web> <ls> <--help>'],
    ['server exec -H web1 uptime -p', 'server exec hosts=web1 <uptime> <-p>'],
    ['server exec -- git log -- a', 'server exec <git> <log> <--> <a>'],
    ['exec web ls 1.10 007', 'exec <web> <ls> <1.10> <007>'],
    ['exec -H web1 web -- ls -la --hosts', 'exec hosts=web1 <web> <ls> <-la> <--hosts>'],
    ['exec web -', 'exec <web> <->'],
    ['exec -- -web ls', 'exec <-web> <ls>'],
    ['show it', 'show it'],
    ['show it now', 'show it <now>'],
  ])('%s: %s', (words, expected) => {
    const names = ['environment', 'hosts', 'services', 'version', 'yes', 'no-cache', 'no-host-env', 'no-push']
    const own = ['all', 'dry-run', 'follow', 'lines', 'since', 'skip-local', 'skip-remote']
    expect(readOut(words.split(' '), [...names, ...own])).toBe(expected)
  })
  test('the last of several counts where one is wanted', () => {
    expect(run(['deploy', '--version', '1', '--version', '2']).options.text('version')).toBe('2')
  })
  test('an empty value is a value', () => expect(run(['deploy', '--version=']).options.text('version')).toBe(''))
})

describe('what cannot be understood is refused', () => {
  test.each<[string, string, string, string | undefined]>([
    ['depoly', 'usage.unknown-command', 'there is no command depoly', 'did you mean jiji deploy?'],
    [
      'registry logn',
      'usage.unknown-command',
      'there is no command registry logn',
      'did you mean jiji registry login?',
    ],
    ['registry nonsense', 'usage.unknown-command', 'there is no command registry nonsense', 'jiji --help lists them'],
    ['login', 'usage.unknown-command', 'there is no command login', 'jiji --help lists them'],
    ['constructor', 'usage.unknown-command', 'there is no command constructor', 'jiji --help lists them'],
    ['depoly --help', 'usage.unknown-command', 'there is no command depoly', 'did you mean jiji deploy?'],
    ['help depoly', 'usage.unknown-command', 'there is no command depoly', 'did you mean jiji deploy?'],

    ['deploy --dryrun', 'usage.unknown-option', 'jiji deploy knows no option --dryrun', 'did you mean --dry-run?'],
    ['deploy --dryRun', 'usage.unknown-option', 'jiji deploy knows no option --dryRun', 'did you mean --dry-run?'],
    [
      'deploy --bogus=1',
      'usage.unknown-option',
      'jiji deploy knows no option --bogus',
      'jiji deploy --help lists them',
    ],
    ['deploy -x', 'usage.unknown-option', 'jiji deploy knows no option -x', 'jiji deploy --help lists them'],
    [
      'deploy --no-yes',
      'usage.unknown-option',
      'jiji deploy knows no option --no-yes',
      'jiji deploy --help lists them',
    ],
    [
      'deploy --__proto__',
      'usage.unknown-option',
      'jiji deploy knows no option --__proto__',
      'jiji deploy --help lists them',
    ],
    ['--bogus', 'usage.unknown-option', 'jiji knows no option --bogus', 'jiji --help lists them'],

    [
      'status --dry-run',
      'usage.unknown-option',
      'jiji status knows no option --dry-run',
      'jiji status --help lists them',
    ],
    [
      'deploy --follow',
      'usage.unknown-option',
      'jiji deploy knows no option --follow',
      'jiji deploy --help lists them',
    ],
    ['init -H web1', 'usage.unknown-option', 'jiji init knows no option -H', 'jiji init --help lists them'],

    ['deploy --yes=true', 'usage', '--yes takes no value', undefined],
    [
      'deploy --hosts',
      'usage',
      '--hosts needs a value',
      '-H, --hosts <names>: Only these servers (names, * wildcards, comma lists)',
    ],
    [
      'deploy -e',
      'usage',
      '-e needs a value',
      '-e, --environment <name>: Environment: .jiji/deploy.NAME.yml is laid over the base',
    ],

    [
      'deploy web',
      'usage',
      'jiji deploy does not take "web"',
      'services are chosen with --services, servers with --hosts',
    ],
    [
      'deploy -- web',
      'usage',
      'jiji deploy does not take "web"',
      'services are chosen with --services, servers with --hosts',
    ],
    [
      'registry setup ghcr.io',
      'usage',
      'jiji registry setup does not take "ghcr.io"',
      'jiji registry setup --help shows what it takes',
    ],
    ['deploy -', 'usage', 'jiji deploy does not take "-"', 'services are chosen with --services, servers with --hosts'],
    ['exec', 'usage', 'jiji exec needs <service>', 'jiji exec --help shows what it takes'],
    ['show it now please', 'usage', 'jiji show it does not take "please"', 'jiji show it --help shows what it takes'],
  ])('%s', (words, code, message, hint) => {
    const error = failureOf(words.split(' '))
    expect({ code: error.code, message: error.message, hint: error.hint }).toEqual({ code, message, hint })
    expect(error.exitStatus).toBe(2)
  })
})

describe('help', () => {
  test.each(['', '--help', '-h', 'help', '-v', 'help --help'])('of everything: %j', words => {
    const text = helpOf(words.split(' ').filter(word => word !== '')) ?? ''
    for (const { name, summary, isHidden } of withArguments) {
      const [first, second] = name.split(' ')
      const line = second ? `^ +${first} .*\\b${second}\\b` : `^ +${name} .*${summary.slice(0, 20)}`
      if (isHidden) expect(text).not.toMatch(new RegExp(`^ +${name} `, 'm'))
      else expect(text).toMatch(new RegExp(line, 'm'))
    }
    expect(text).toContain('Exit status')
    expect(text).not.toContain('undefined')
  })
  test.each(['help deploy', 'deploy --help', 'deploy -h', '--help deploy', 'deploy --bogus --help', 'deploy web -h'])(
    'of a command, which does not run: %s',
    words => {
      const text = helpOf(words.split(' '))
      expect(text).toContain('Build, push, pull and switch to a new release')
      expect(text).toContain('--dry-run')
      expect(text).toContain('jiji deploy -e staging --dry-run')
      expect(text).not.toContain('--follow')
      expect(text).not.toContain('Exit status')
    },
  )
  test.each(['registry', 'registry --help', 'help registry'])('of a group: %s', words => {
    const text = helpOf(words.split(' '))
    expect(text).toContain('registry login')
    expect(text).not.toMatch(/^ +deploy /m)
  })
  test.each(['registry login --help', 'help registry login'])('of a command of two words: %s', words => {
    const text = helpOf(words.split(' '))
    expect(text).toContain('Log in to the registries')
    expect(text).toContain('--skip-remote')
  })
})

describe('options come from the environment too', () => {
  test.each<[Record<string, string>, string[], object]>([
    [{ JIJI_ENVIRONMENT: 'staging' }, [], { environment: 'staging' }],
    [{ JIJI_ENVIRONMENT: 'staging' }, ['-e', 'production'], { environment: 'production' }],
    [{ JIJI_ENVIRONMENT: '' }, [], { environment: undefined }],
    [{ JIJI_VERSION: '1.10' }, [], { version: '1.10' }],
    [{ JIJI_NO_HOST_ENV: '1' }, [], { 'no-host-env': '1' }],
  ])('%j %j: %j', (environment, words, expected) => {
    const { options } = run(['deploy', ...words], environment)
    for (const [name, value] of Object.entries(expected)) expect(options.text(name)).toBe(value)
  })
  test.each<[string | undefined, boolean]>([
    [undefined, false],
    ['', false],
    ['0', false],
    ['false', false],
    ['1', true],
    ['true', true],
    ['yes', true],
  ])('JIJI_YES=%s: %s', (value, isGiven) => {
    expect(run(['deploy'], value === undefined ? {} : { JIJI_YES: value }).options.flag('yes')).toBe(isGiven)
  })
  test('where the command takes the option, and nowhere else', () => {
    const environment = { JIJI_SERVICES: 'web', JIJI_HOSTS: 'a', JIJI_OUTPUT: 'json' }
    const { options } = run(['registry', 'setup'], environment)
    expect(['services', 'hosts', 'output'].map(name => options.text(name))).toEqual([undefined, 'a', 'json'])
    expect(run(['deploy'], environment).options.isGiven('services')).toBe(false)
    expect(run(['deploy', '-S', 'a'], environment).options.isGiven('services')).toBe(true)
  })
  test('lists as well', () => {
    expect(run(['deploy'], { JIJI_HOSTS: 'a,b' }).options.list('hosts')).toEqual(['a,b'])
    expect(new Options(new Map(), {}).list('hosts')).toBeUndefined()
  })
})

describe('a variable', () => {
  const refusal = (environment: Record<string, string>, words = ['deploy']) => {
    try {
      invoke(words, environment)
      return undefined
    } catch (error) {
      const { code, message, hint } = error as JijiError
      return `${code}: ${message} (${hint})`
    }
  }
  test.each([
    ['JIJI_ENVIROMENT', 'JIJI_ENVIRONMENT'],
    ['JIJI_DRYRUN', 'JIJI_DRY_RUN'],
    ['JIJI_HOST', 'JIJI_HOSTS'],
  ])('%s is refused, since %s was meant', (written, meant) => {
    const hint = `did you mean ${meant}? If it is something else, unset it or give it another name`
    expect(refusal({ [written]: 'x' })).toBe(
      `usage.unknown-option: ${written} is set, and jiji knows no such variable (${hint})`,
    )
  })
  test.each([
    'JIJI_ENVIRONMENT',
    'JIJI_NO_HOST_ENV',
    'JIJI_KNOWN_HOSTS',
    'JIJI_REPORT',
    'JIJI_SERVERS',
    'JIJI_ERROR_CODE',
    'JIJI_REGISTRY_PASSWORD',
    'MY_JIJI_ENVIROMENT',
  ])('%s is not', name => expect(refusal({ [name]: 'x' })).toBeUndefined())
  test('does not keep help or completion away', () => {
    expect(refusal({ JIJI_ENVIROMENT: 'x' }, ['deploy', '--help'])).toBeUndefined()
    expect(refusal({ JIJI_ENVIROMENT: 'x' }, ['complete', '--', 'deploy'])).toBeUndefined()
  })
})
