import { cac } from 'cac'
import { nearest } from '../config/nearest.ts'
import { JijiError } from '../errors.ts'
import type { Command } from './command.ts'
import type { helpText } from './help.ts'
import { describeOption, isOn, type OptionSpec, Options, type SharedOption, shared, variableOf } from './options.ts'

export type Invocation =
  | { command: Command; args: string[]; options: Options }
  | { help: Parameters<typeof helpText>[0] }

/**
 * Words to a command. cac matches commands and options; what it gets wrong is cured on the way in: names of two
 * words are joined (cac issues #65 and #170), and each value is attached to its option behind a mark, so that `1.10`
 * stays text and a value may begin with a dash.
 * @throws JijiError usage, usage.unknown-command, usage.unknown-option
 */
export function parse(
  catalogue: readonly Command[],
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Invocation {
  const { words, args, command, wantsHelp } = read(catalogue, asVersion(argv))
  if (wantsHelp || !command) return { help: { catalogue, command, group: command ? undefined : words[0] } }
  const variables = variablesOf(command, environment)
  if (!command.isHidden) {
    checkVariables(catalogue, environment)
    checkDryRun(command, environment)
  }
  const cli = cac('jiji')
  const defined = cli.command([command.name, command.arguments].filter(part => part).join(' '), command.summary)
  for (const option of optionsOf(command)) defined.option(option.flags, option.description)
  cli.parse(['node', 'jiji', ...words], { run: false })
  const matched = cli.matchedCommand
  if (!matched) throw new Error(`cac does not know ${command.name}`)
  const given = new Map<string, readonly string[]>()
  for (const option of optionsOf(command)) {
    const { name } = describeOption(option)
    const value = valuesOf(cli.options, name)
    if (value !== undefined) given.set(name, value)
  }
  return { command, args, options: new Options(given, variables) }
}

/**
 * A variable that is nearly one of ours is a slip, which would be without effect: JIJI_ENVIROMENT=staging would deploy to
 * production. One that is like none of them may be somebody's secret.
 */
function checkVariables(
  catalogue: readonly Command[],
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const every = [...Object.values(shared), ...catalogue.flatMap(({ options }) => options ?? [])]
  const known = new Set(every.map(option => variableOf(describeOption(option).name)))
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(prefix) || known.has(name) || others.includes(name)) continue
    const meant = nearest(
      name.slice(prefix.length),
      [...known].map(one => one.slice(prefix.length)),
    )
    if (!meant) continue
    throw new JijiError('usage.unknown-option', `${name} is set, and jiji knows no such variable`, {
      hint: `did you mean ${prefix}${meant}? If it is something else, unset it or give it another name`,
    })
  }
}

/** Those of the options that a command takes; and each tells its errors as JSON where that is wanted. */
function variablesOf(command: Command, environment: Readonly<Record<string, string | undefined>>) {
  const names = [...optionsOf(command), shared.output].map(option => variableOf(describeOption(option).name))
  return Object.fromEntries(names.map(name => [name, environment[name]]))
}

/** Whoever sets it for all commands means that none changes anything. */
function checkDryRun({ name, shared: own, onlyLooks }: Command, environment: Parameters<typeof variablesOf>[1]): void {
  if (!isOn(environment.JIJI_DRY_RUN) || onlyLooks || own.includes('dryRun')) return
  throw new JijiError('usage', `JIJI_DRY_RUN is set, and jiji ${name} has no --dry-run: it would do what it does`, {
    hint: 'nothing was done; run it without JIJI_DRY_RUN if that is meant',
  })
}

const prefix = 'JIJI_'

/** What is no option (runner/ssh-config.ts), and what jiji says to hooks, which may run jiji (cli/hooks.ts). */
const others: readonly string[] = [
  'KNOWN_HOSTS',
  'HOOK',
  'ACTION',
  'PROJECT',
  'SERVERS',
  'PERFORMER',
  'RELEASE',
  'SKIPPED',
  'SECONDS',
]
  .concat(['ERROR_CODE', 'ERROR_MESSAGE', 'ERROR_SERVER'])
  .map(name => `${prefix}${name}`)

/** `--version` takes a value, but alone it is the question that every program answers. */
function asVersion(argv: readonly string[]): readonly string[] {
  return argv.length === 1 && argv[0] === '--version' ? ['version'] : argv
}

const mark = '\u0001'

type Read = { words: string[]; args: string[]; command: Command | undefined; wantsHelp: boolean }

function read(catalogue: readonly Command[], argv: readonly string[]): Read {
  const names = new Set(catalogue.map(({ name }) => name))
  const every = [...Object.values(shared), ...catalogue.flatMap(({ options }) => options ?? [])]
  const positional: string[] = []
  const given: { name: string; written: string; value: string | undefined }[] = []
  let wantsHelp = argv.length === 0

  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (word === '--') {
      positional.push(...argv.slice(index + 1))
      break
    }
    // From its first word on, a command that is run elsewhere has options of its own.
    if (isWord(word) && passesOnFrom(catalogue, positional)) {
      positional.push(...argv.slice(index))
      break
    }
    if (word === '-h' || word === '--help') wantsHelp = true
    else if (!isWord(word)) {
      const [written = '', attached] = splitOnce(word)
      const spec = every.find(option => matches(option, written))
      const { takesValue = false, mayTakeValue = false } = spec ? describeOption(spec) : {}
      const isNextValue = takesValue || (mayTakeValue && !/^(-|$)/.test(argv[index + 1] ?? ''))
      const value = attached ?? (isNextValue ? argv[++index] : undefined)
      if (takesValue && value === undefined)
        throw new JijiError('usage', `${written} needs a value`, { hint: `${spec?.flags}: ${spec?.description}` })
      given.push({ name: spec ? describeOption(spec).name : '', written, value })
    } else positional.push(word)
  }

  if (positional[0] === 'help') {
    positional.shift()
    wantsHelp = true
  }
  const [first, second] = positional
  const name = [`${first} ${second}`, first ?? ''].find(one => names.has(one))
  const command = catalogue.find(one => one.name === name)
  const isWholeGroup = isGroup(catalogue, first) && second === undefined
  if (!command && first !== undefined && !isWholeGroup) throw unknownCommand(names, positional)
  const args = command ? positional.slice(command.name.split(' ').length) : []
  if (!wantsHelp) {
    const known = command ? optionsOf(command) : every
    for (const one of given) checkOption(command, known, one)
    if (command) checkArguments(command, args)
  }
  const options = given.map(({ name, value }) => `--${name}${value === undefined ? '' : `=${mark}${value}`}`)
  return {
    words: command ? [command.name, ...options] : positional,
    args,
    command,
    wantsHelp: wantsHelp || !command,
  }
}

function isWord(word: string): boolean {
  return !word.startsWith('-') || word === '-'
}

/** Whether all that comes after these words is a command to be passed on. */
function passesOnFrom(catalogue: readonly Command[], positional: readonly string[]): boolean {
  const command = catalogue.find(({ name }) => name === positional.slice(0, name.split(' ').length).join(' '))
  const own = command?.arguments?.split(' ').filter(one => !one.includes('...')).length ?? 0
  return command?.passesOn === true && positional.length === command.name.split(' ').length + own
}

/** As many as the command takes: one too many may be a name that was meant for an option. */
function checkArguments(command: Command, args: readonly string[]): void {
  const taken = command.arguments?.split(' ') ?? []
  const missing = taken.filter(one => one.startsWith('<'))[args.length]
  if (missing) {
    throw new JijiError('usage', `jiji ${command.name} needs ${missing}`, {
      hint: `jiji ${command.name} --help shows what it takes`,
    })
  }
  const extra = taken.some(one => one.includes('...')) ? undefined : args[taken.length]
  if (extra === undefined) return
  throw new JijiError('usage', `jiji ${command.name} does not take ${JSON.stringify(extra)}`, {
    hint: command.shared.includes('services')
      ? 'services are chosen with --services, servers with --hosts'
      : `jiji ${command.name} --help shows what it takes`,
  })
}

function checkOption(
  command: Command | undefined,
  known: readonly OptionSpec[],
  given: { name: string; written: string; value: string | undefined },
): void {
  const spec = known.find(option => matches(option, given.written))
  if (!spec) {
    const long = known.map(option => `--${describeOption(option).name}`)
    const meant = nearest(given.written, long)
    const called = command ? `jiji ${command.name}` : 'jiji'
    throw new JijiError('usage.unknown-option', `${called} knows no option ${given.written}`, {
      hint: meant ? `did you mean ${meant}?` : `${called} --help lists them`,
    })
  }
  if (!describeOption(spec).mayTakeValue && given.value !== undefined)
    throw new JijiError('usage', `${given.written} takes no value`)
}

function unknownCommand(names: ReadonlySet<string>, positional: readonly string[]): JijiError {
  const written = positional.slice(0, 2).join(' ')
  const meant = nearest(written, names) ?? nearest(positional[0] ?? '', names)
  return new JijiError('usage.unknown-command', `there is no command ${written}`, {
    hint: meant ? `did you mean jiji ${meant}?` : 'jiji --help lists them',
  })
}

function isGroup(catalogue: readonly Command[], word: string | undefined): boolean {
  return catalogue.some(({ name }) => name.startsWith(`${word} `))
}

function optionsOf(command: Command): OptionSpec[] {
  return [...(command.options ?? []), ...command.shared.map((name: SharedOption) => shared[name])]
}

function matches(option: OptionSpec, written: string): boolean {
  const { name, short } = describeOption(option)
  return written === `--${name}` || written === `-${short}`
}

function splitOnce(word: string): [string, string | undefined] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)]
}

/** cac camel-cases names and stores `--no-x` as `x: false`. */
function valuesOf(options: Record<string, unknown>, name: string): string[] | undefined {
  if (name.startsWith('no-')) return options[camelCase(name.slice(3))] === false ? [''] : undefined
  const value = options[camelCase(name)]
  if (value === undefined || value === false) return undefined
  return [value].flat().map(one => (typeof one === 'string' ? one.replace(mark, '') : ''))
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
