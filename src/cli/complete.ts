import type { Config } from '../config/config.ts'
import { type Command, shownIn } from './command.ts'
import { describeOption, type OptionSpec, shared } from './options.ts'

/** Something that may stand at the cursor. */
export type Candidate = { word: string; about?: string }

/** What a project has that may be named; asked only where a name may stand. */
export type Known = {
  config(): Config | undefined
  environments(): readonly string[]
  keys(): readonly Candidate[]
}

/**
 * What may stand where the cursor is: at the last of these words, which may be empty or half a word.
 * @returns nothing where the shell had better name files
 */
export function candidatesFor(catalogue: readonly Command[], words: readonly string[], known: Known): Candidate[] {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  return candidatesAt(catalogue, before, current, known).filter(({ word }) => word.startsWith(current))
}

function candidatesAt(
  catalogue: readonly Command[],
  before: readonly string[],
  current: string,
  known: Known,
): Candidate[] {
  const { command, group, taken, option } = readWords(catalogue, before)
  if (option) return listed(valuesOf(option, known), current)
  if (current.startsWith('-')) return command ? optionsFor(command) : []
  if (!command) return group === undefined ? firstWords(catalogue) : secondWords(catalogue, group)
  return argumentsFor(command, taken, known)
}

type Read = {
  command: Command | undefined
  /** The first word, where it is no command of its own yet. */
  group: string | undefined
  /** What a command has got so far. */
  taken: readonly string[]
  /** The option whose value is at the cursor. */
  option: string | undefined
}

function readWords(catalogue: readonly Command[], words: readonly string[]): Read {
  const positional: string[] = []
  let option: string | undefined
  for (const word of words) {
    if (option !== undefined) option = undefined
    else if (word.startsWith('-') && word !== '--')
      option = word.includes('=') ? undefined : wantingValue(catalogue, word)
    else if (word !== '--') positional.push(word)
  }
  const command = [2, 1]
    .map(count => catalogue.find(({ name }) => name === positional.slice(0, count).join(' ')))
    .find(found => found !== undefined)
  const taken = command ? positional.slice(command.name.split(' ').length) : []
  return { command, group: positional[0], taken, option }
}

/** The long name of an option that takes a value. */
function wantingValue(catalogue: readonly Command[], written: string): string | undefined {
  const every = [...Object.values(shared), ...catalogue.flatMap(({ options = [] }) => options)].map(describeOption)
  const found = every.find(({ name, short }) => written === `--${name}` || written === `-${short}`)
  return found?.takesValue ? found.name : undefined
}

function valuesOf(option: string, known: Known): Candidate[] {
  if (option === 'hosts') return serversOf(known)
  if (option === 'services') return servicesOf(known)
  if (option === 'environment') return known.environments().map(word => ({ word }))
  return option === 'output' ? [{ word: 'table' }, { word: 'json' }] : []
}

/** A comma list goes on with each of what can follow. */
function listed(values: readonly Candidate[], current: string): Candidate[] {
  const first = current.slice(0, current.lastIndexOf(',') + 1)
  return values.map(({ word, ...rest }) => ({ word: first + word, ...rest }))
}

function firstWords(catalogue: readonly Command[]): Candidate[] {
  const single = shownIn(catalogue).filter(({ name }) => !name.includes(' '))
  const groups = [
    ...new Set(shownIn(catalogue).flatMap(({ name }) => (name.includes(' ') ? [name.split(' ')[0] ?? ''] : []))),
  ]
  return [...single.map(ofCommand), ...groups.map(word => ({ word, about: membersOf(catalogue, word) }))]
}

function membersOf(catalogue: readonly Command[], group: string): string {
  return secondWords(catalogue, group)
    .map(({ word }) => word)
    .join(', ')
}

function secondWords(catalogue: readonly Command[], group: string): Candidate[] {
  return shownIn(catalogue)
    .filter(({ name }) => name.startsWith(`${group} `))
    .map(({ name, summary }) => ({ word: name.slice(group.length + 1), about: summary }))
}

function argumentsFor({ name, arguments: wanted = '' }: Command, taken: readonly string[], known: Known): Candidate[] {
  const slots = wanted.split(' ')
  const slot = slots[Math.min(taken.length, slots.length - 1)] ?? ''
  if (taken.length >= slots.length && !slot.includes('...')) return []
  const rest = (candidates: Candidate[]) => candidates.filter(({ word }) => !taken.includes(word))
  if (/services?[>\]]$/.test(slot)) return rest(name === 'service scale' ? scalesOf(known) : servicesOf(known))
  if (/registries\]$/.test(slot)) return rest(registriesOf(known))
  if (slot === '[key]') return [...known.keys()]
  return slot === '<shell>' ? ['bash', 'zsh', 'fish'].map(word => ({ word })) : []
}

function optionsFor(command: Command): Candidate[] {
  const all: OptionSpec[] = [...(command.options ?? []), ...command.shared.map(name => shared[name])]
  return all.map(option => ({ word: `--${describeOption(option).name}`, about: option.description }))
}

function serversOf(known: Known): Candidate[] {
  return (known.config()?.servers ?? []).map(({ name, host }) => ({ word: name, about: host }))
}

function servicesOf(known: Known): Candidate[] {
  return (known.config()?.services ?? []).map(({ name, servers }) => ({ word: name, about: servers.join(', ') }))
}

function scalesOf(known: Known): Candidate[] {
  return (known.config()?.services ?? []).map(({ name, replicas }) => ({ word: `${name}=`, about: `${replicas} now` }))
}

function registriesOf(known: Known): Candidate[] {
  const config = known.config()
  if (!config) return []
  const { registry } = config.builder
  const own = registry.type === 'remote' && registry.credential ? [registry.credential] : []
  return [...own, ...config.registries].map(({ name, key }) => ({
    word: name === 'builder.registry' ? key : name,
    about: key,
  }))
}

function ofCommand({ name, summary }: Command): Candidate {
  return { word: name, about: summary }
}
