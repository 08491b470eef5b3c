import { pad } from '../ui/text-width.ts'
import { wrapAfter } from '../ui/wrap.ts'
import { type Command, shownIn } from './command.ts'
import { describeOption, type OptionSpec, shared } from './options.ts'

/** Help is written from the catalogue alone, and for the width it is read at. */

export type Subject = { catalogue: readonly Command[]; command?: Command | undefined; group?: string | undefined }

/** Lines that are longer are hard to read, however wide the terminal is. */
const widest = 100

/** Of the whole program, of a group of commands (`jiji registry`), or of one command. */
export function helpText({ catalogue, command, group }: Subject, columns = widest): string {
  const width = Math.min(columns, widest)
  const sections = command
    ? commandSections(command)
    : group === undefined
      ? programSections(catalogue)
      : groupSections(catalogue, group)
  return sections.map(section => render(section, width)).join('\n\n')
}

/** A line, something with what is said of it, or what somebody types. */
type Line = string | readonly [string, string] | { typed: string }
/** `column` is where what stands to the right begins, at the least. */
export type Section = { title?: string; lines: readonly Line[]; column?: number }

export const purpose = 'Deploys containers to plain servers over SSH, without dropping a request'

type Chapter = readonly [title: string, words: readonly string[]]

/** What belongs together, in the order in which one comes to need it. */
const chapters: readonly Chapter[] = [
  ['Begin', ['init', 'validate', 'config', 'docs', 'doctor']],
  ['Deploy', ['build', 'deploy', 'rollback', 'service']],
  ['On call', ['status', 'logs', 'exec', 'run', 'audit', 'lock']],
  ['Servers', ['server', 'proxy']],
  ['Registries', ['registry']],
]

export const exitStatuses = [
  ['0', 'done'],
  ['1', 'failed, or a fault of ours'],
  ['2', 'usage or configuration'],
  ['3', 'a registry refused the credential'],
  ['4', 'a server could not be reached or refused us'],
  ['5', 'the lock is held'],
  ['6', 'a release was unhealthy and has been rolled back'],
  ['7', 'some servers succeeded and some failed'],
] as const

/** The first words of all commands, each in its chapter. */
export function chaptersOf(catalogue: readonly Command[]): readonly Chapter[] {
  const placed = new Set(chapters.flatMap(([, words]) => words))
  const others = [...new Set(shownIn(catalogue).map(({ name }) => firstWord(name)))].filter(word => !placed.has(word))
  return [...chapters, ['Other', others] as const].filter(([, words]) => words.length > 0)
}

function programSections(catalogue: readonly Command[]): Section[] {
  return [
    { lines: [purpose] },
    { title: 'Usage', lines: [{ typed: 'jiji <command> [options]' }] },
    ...chaptersOf(catalogue).map(([title, words]) => ({
      title,
      column: 10,
      lines: words.map(word => entryOf(catalogue, word)),
    })),
    { title: 'Exit status', lines: exitStatuses },
    { lines: ['jiji <command> --help says more of each, and jiji docs KEY of a key of deploy.yml'] },
  ]
}

/** A command, or a family of them: what it is for, or who is in it. */
function entryOf(catalogue: readonly Command[], word: string): readonly [string, string] {
  const family = shownIn(catalogue).filter(({ name }) => name.startsWith(`${word} `))
  const single = catalogue.find(({ name }) => name === word)
  return single ? [word, single.summary] : [word, family.map(({ name }) => name.split(' ')[1]).join(', ')]
}

function groupSections(catalogue: readonly Command[], group: string): Section[] {
  const family = shownIn(catalogue).filter(({ name }) => name.startsWith(`${group} `))
  return [
    { title: 'Usage', lines: [{ typed: `jiji ${group} <command> [options]` }] },
    { title: 'Commands', lines: family.map(({ name, summary }) => [name, summary] as const) },
    { lines: [`jiji ${group} <command> --help says more of each`] },
  ]
}

export function commandSections(command: Command): Section[] {
  // In the same order everywhere.
  const common = Object.entries(shared).flatMap(([name, one]) =>
    command.shared.some(own => own === name) ? [one] : [],
  )
  const help = { flags: '-h, --help', description: 'Show this' }
  const optionsOf = (options: readonly OptionSpec[]) => options.map(one => [flagsOf(one), one.description] as const)
  return [
    { lines: [command.summary] },
    { title: 'Usage', lines: [{ typed: usageOf(command) }] },
    ...(command.options?.length ? [{ title: 'Options', lines: optionsOf(command.options) }] : []),
    { title: command.options?.length ? 'Common options' : 'Options', lines: optionsOf([...common, help]) },
    ...(command.examples?.length ? [{ title: 'Examples', lines: command.examples.map(typed => ({ typed })) }] : []),
  ]
}

/** As other programs have it: `<command...>`, after the options, which come first where a command of somebody's is passed on. */
export function usageOf({ name, arguments: taken = '' }: Command): string {
  return `jiji ${name} [options] ${taken.replace(/\.\.\.(\w+)/g, '$1...')}`.trim()
}

/** Long names stand below each other. */
function flagsOf(option: OptionSpec): string {
  return describeOption(option).short ? option.flags : `    ${option.flags}`
}

export function firstWord(name: string): string {
  return name.split(' ')[0] ?? ''
}

function render({ title, lines, column: least = 0 }: Section, width: number): string {
  const lefts = lines.flatMap(line => (isPair(line) ? line[0].length : []))
  const column = Math.max(least, ...lefts) + 4
  const indent = title === undefined ? '' : '  '
  const body = lines.flatMap(line => {
    if (typeof line === 'string') return wrapAfter(indent, line, width, indent)
    if (!isPair(line)) return typedLines(line.typed, width)
    return width - column < narrowest ? pairBelow(line, width) : pairBeside(line, column, width)
  })
  return [...(title === undefined ? [] : [`${title}:`]), ...body].join('\n')
}

/** Columns in which text can be read that stands beside something else. */
const narrowest = 24

function isPair(line: Line): line is readonly [string, string] {
  return Array.isArray(line)
}

function pairBeside([left, right]: readonly [string, string], column: number, width: number): string[] {
  return wrapAfter(pad(`  ${left}`, column), right, width, ' '.repeat(column))
}

function pairBelow([left, right]: readonly [string, string], width: number): string[] {
  const indent = ' '.repeat(8)
  return [...wrapAfter('  ', left, width, indent), ...wrapAfter(indent, right, width, indent)]
}

/** What can be pasted into a shell, also where it goes on in the next line. */
function typedLines(command: string, width: number): string[] {
  const lines: string[] = []
  let line = '  $'
  for (const word of command.match(/("[^"]*"|[^ "])+/g) ?? []) {
    const isTooLong = line.length + 1 + word.length + 2 > width
    if (isTooLong && line !== '  $') {
      lines.push(`${line} \\`)
      line = `     ${word}`
    } else {
      line += ` ${word}`
    }
  }
  return [...lines, line]
}
