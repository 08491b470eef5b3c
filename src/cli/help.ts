import { type Command, shownIn } from './command.ts'
import { describeOption, type OptionSpec, shared } from './options.ts'

/** Help is written from the catalogue alone, and for the width it is read at. */

type Subject = { catalogue: readonly Command[]; command?: Command | undefined; group?: string | undefined }

/** Of the whole program, of a group of commands (`jiji registry`), or of one command. */
export function helpText({ catalogue, command, group }: Subject, width = 100): string {
  const sections = command
    ? commandSections(command)
    : group === undefined
      ? programSections(catalogue)
      : groupSections(catalogue, group)
  return sections.map(section => render(section, width)).join('\n\n')
}

/** `column` is where what stands to the right begins, at the least. */
type Section = { title?: string; lines: readonly (string | readonly [string, string])[]; column?: number }

const purpose = 'Deploys containers to plain servers over SSH, without dropping a request'

/** What belongs together, in the order in which one comes to need it. */
const chapters: readonly (readonly [string, readonly string[]])[] = [
  ['Begin', ['init', 'validate', 'config', 'docs', 'doctor']],
  ['Deploy', ['build', 'deploy', 'rollback', 'service']],
  ['On call', ['status', 'logs', 'exec', 'run', 'audit', 'lock']],
  ['Servers', ['server', 'proxy']],
  ['Registries', ['registry']],
]

const exitStatuses = [
  '0  done                          4  a server could not be reached or refused us',
  '1  failed, or a fault of ours    5  the lock is held',
  '2  usage or configuration        6  a release was unhealthy and has been rolled back',
  '3  a registry refused            7  some servers succeeded and some failed',
]

function programSections(catalogue: readonly Command[]): Section[] {
  const placed = new Set(chapters.flatMap(([, words]) => words))
  const others = [...new Set(shownIn(catalogue).map(({ name }) => firstWord(name)))].filter(word => !placed.has(word))
  const all = [...chapters, ['Other', others] as const].filter(([, words]) => words.length > 0)
  return [
    { lines: [purpose] },
    { title: 'Usage', lines: ['$ jiji <command> [options]'] },
    ...all.map(([title, words]) => ({ title, column: 10, lines: words.map(word => entryOf(catalogue, word)) })),
    { title: 'Exit status', lines: exitStatuses },
    { lines: ['jiji <command> --help says more of each, and jiji docs KEY of a key of deploy.yml'] },
  ]
}

/** A command, or a family of them: what it is for, or who is in it. */
function entryOf(catalogue: readonly Command[], word: string): readonly [string, string] {
  const family = shownIn(catalogue).filter(({ name }) => name.startsWith(`${word} `))
  const single = catalogue.find(({ name }) => name === word)
  return single ? [word, single.summary] : [`${word} …`, family.map(({ name }) => name.split(' ')[1]).join(', ')]
}

function groupSections(catalogue: readonly Command[], group: string): Section[] {
  const family = shownIn(catalogue).filter(({ name }) => name.startsWith(`${group} `))
  return [
    { title: 'Usage', lines: [`$ jiji ${group} <command> [options]`] },
    { title: 'Commands', lines: family.map(one => [usageOf(one), one.summary] as const) },
    { lines: [`jiji ${group} <command> --help says more of each`] },
  ]
}

function commandSections(command: Command): Section[] {
  const common = command.shared.map(name => shared[name])
  const help = { flags: '-h, --help', description: 'Show this' }
  const optionsOf = (options: readonly OptionSpec[]) => options.map(one => [flagsOf(one), one.description] as const)
  return [
    { lines: [command.summary] },
    { title: 'Usage', lines: [`$ jiji ${usageOf(command)}`] },
    ...(command.options?.length ? [{ title: 'Options', lines: optionsOf(command.options) }] : []),
    { title: command.options?.length ? 'Common options' : 'Options', lines: optionsOf([...common, help]) },
    ...(command.examples?.length ? [{ title: 'Examples', lines: command.examples.map(one => `$ ${one}`) }] : []),
  ]
}

function usageOf({ name, arguments: taken }: Command): string {
  return taken ? `${name} ${taken}` : name
}

/** Long names stand below each other. */
function flagsOf(option: OptionSpec): string {
  return describeOption(option).short ? option.flags : `    ${option.flags}`
}

function firstWord(name: string): string {
  return name.split(' ')[0] ?? ''
}

function render({ title, lines, column: least = 0 }: Section, width: number): string {
  const pairs = lines.filter(line => typeof line !== 'string')
  const column = Math.min(
    Math.max(least, ...pairs.map(([left]) => left.length)),
    Math.max(12, Math.floor(width / 2) - 4),
  )
  const indent = title === undefined ? '' : '  '
  const body = lines.flatMap(line =>
    typeof line === 'string' ? wrapped(line, width, indent, indent) : pairLines(line, column, width),
  )
  return [...(title === undefined ? [] : [`${title}:`]), ...body].join('\n')
}

function pairLines([left, right]: readonly [string, string], column: number, width: number): string[] {
  const hang = ' '.repeat(column + 4)
  if (left.length > column) return [`  ${left}`, ...wrapped(right, width, hang, hang)]
  return wrapped(right, width, `  ${left.padEnd(column)}  `, hang)
}

/** Words in lines that are no wider than this, where a word is not. What has spaces in a row stays as it is. */
function wrapped(text: string, width: number, first: string, hang: string): string[] {
  if (text.includes('  ') || text.startsWith('$')) return [first + text]
  const lines: string[] = []
  let line = first
  let isEmpty = true
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line)
      line = hang
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line]
}
