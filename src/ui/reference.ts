import type { Entry } from '../config/reference.ts'
import { bold, definition, heading, type ManPage, paragraphs, refersTo, subheading } from './roff.ts'

/** The reference of all keys as a page of Markdown, a section for each map. */
export function referencePage(entries: readonly Entry[]): string {
  return [introduction, ...[...byParent(entries)].map(([parent, keys]) => section(parent, keys))]
    .join('\n\n')
    .concat('\n')
}

/** The same as a page for `man`. */
export function referenceManual(entries: readonly Entry[]): ManPage {
  const body = [
    ...heading('Description'),
    ...paragraphs(
      'YAML in .jiji/deploy.yml. With -e ENV, .jiji/deploy.ENV.yml is laid over it: maps merge, lists and scalars replace.',
      'NAME stands for a name of your own. The same is shown by jiji docs KEY.',
    ),
    ...heading('Keys'),
    ...[...byParent(entries)].flatMap(([parent, keys]) => [
      ...(parent === '' ? [] : subheading(parent)),
      ...keys.flatMap(manualEntry),
    ]),
    ...heading('See also'),
    refersTo('jiji', 1),
  ]
  return { name: 'jiji-deploy.yml', section: 5, summary: 'what runs where, and how it is deployed', body }
}

function manualEntry({ key, type, default: usual, isRequired, description }: Entry): string[] {
  const more = isRequired ? ', required' : usual === undefined ? '' : `, default ${usual}`
  return definition(bold(ownName(key)), `${description} (${type}${more})`)
}

function byParent(entries: readonly Entry[]): ReadonlyMap<string, Entry[]> {
  const sections = new Map<string, Entry[]>()
  for (const entry of entries) {
    const parent = parentOf(entry.key)
    sections.set(parent, [...(sections.get(parent) ?? []), entry])
  }
  return sections
}

const introduction = `# Every key of deploy.yml

This page is made of the same schema that checks the file: \`jiji docs --markdown\` prints it, \`jiji docs KEY\` shows one key in
the terminal, and \`jiji docs --schema\` is the JSON Schema for editors. NAME stands for a name of your own.`

function section(parent: string, keys: readonly Entry[]): string {
  const title = parent === '' ? '## At the top' : `## \`${parent}\``
  return [title, '', '| Key | What it holds | Default | What it is for |', '|---|---|---|---|', ...keys.map(row)].join(
    '\n',
  )
}

function row({ key, type, default: usual, isRequired, description }: Entry): string {
  const cells = [
    `\`${ownName(key)}\``,
    type,
    isRequired ? 'required' : usual === undefined ? '' : `\`${usual}\``,
    description,
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|').replaceAll('*', '\\*')).join(' | ')} |`
}

function ownName(key: string): string {
  return key.slice(parentOf(key).length).replace(/^\./, '')
}

function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('.')))
}
