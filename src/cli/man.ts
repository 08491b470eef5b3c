import type { Entry } from '../config/reference.ts'
import { referenceManual } from '../ui/reference.ts'
import {
  bold,
  definition,
  heading,
  type ManPage,
  paragraphs,
  refersTo,
  subheading,
  usage,
  verbatim,
} from '../ui/roff.ts'
import { type Command, shownIn } from './command.ts'
import { chaptersOf, commandSections, exitStatuses, firstWord, purpose, type Section, usageOf } from './help.ts'
import { describeOption, shared } from './options.ts'

/** A page of the program, of each command and of its configuration, made of what --help and `jiji docs` say. */
export function manPages(catalogue: readonly Command[], entries: readonly Entry[]): ManPage[] {
  const commands = shownIn(catalogue)
  const configuration = referenceManual(entries)
  return [programPage(commands), ...commands.map(command => commandPage(commands, command)), configuration]
}

function programPage(commands: readonly Command[]): ManPage {
  const body = [
    ...heading('Synopsis'),
    usage('jiji <command> [options]'),
    ...heading('Commands'),
    ...paragraphs('Each has a page of its own, such as jiji-deploy(1).'),
    ...chaptersOf(commands).flatMap(([title, words]) => [
      ...subheading(title),
      ...words
        .flatMap(word => familyOf(commands, word))
        .flatMap(command => definition(bold(`jiji ${command.name}`), command.summary)),
    ]),
    ...heading('Common options'),
    ...paragraphs('Not every command takes all of them; its page has those that it does.'),
    ...Object.values(shared).flatMap(({ flags, description }) => definition(usage(flags), description)),
    ...heading('Exit status'),
    ...[...exitStatuses, ['130', 'interrupted'] as const].flatMap(([status, meaning]) =>
      definition(bold(status), meaning),
    ),
    ...heading('Environment'),
    ...definition(
      Object.values(shared).map(variableOf).map(bold).join(', '),
      'Each stands for the option of its name where that is not given.',
    ),
    ...heading('See also'),
    refersTo('jiji-deploy.yml', 5),
  ]
  return { name: 'jiji', section: 1, summary: purpose, body }
}

function commandPage(commands: readonly Command[], command: Command): ManPage {
  const { name, summary } = command
  const family = familyOf(commands, firstWord(name)).filter(other => other !== command)
  const body = [
    ...heading('Synopsis'),
    usage(usageOf(command)),
    ...commandSections(command).flatMap(sectionLines),
    ...heading('See also'),
    [refersTo('jiji', 1), ...family.map(other => refersTo(pageName(other), 1)), refersTo('jiji-deploy.yml', 5)].join(
      ', ',
    ),
  ]
  return { name: pageName(command), section: 1, summary, body }
}

/** What the head of a page has already is not said again. */
function sectionLines({ title, lines }: Section): string[] {
  if (title === undefined || title === 'Usage') return []
  const pairs = lines.flatMap(line => (typeof line === 'object' && !('typed' in line) ? [line] : []))
  const commands = lines.flatMap(line => (typeof line === 'object' && 'typed' in line ? [line.typed] : []))
  return [
    ...heading(title),
    ...pairs.flatMap(([flags, description]) => definition(usage(flags.trim()), description)),
    ...(commands.length > 0 ? verbatim(commands) : []),
  ]
}

/** A command alone, or all of a group. */
function familyOf(commands: readonly Command[], word: string): readonly Command[] {
  return commands.filter(({ name }) => firstWord(name) === word)
}

function pageName({ name }: Command): string {
  return `jiji-${name.replaceAll(' ', '-')}`
}

function variableOf(option: (typeof shared)[keyof typeof shared]): string {
  return `JIJI_${describeOption(option).name.toUpperCase().replaceAll('-', '_')}`
}
