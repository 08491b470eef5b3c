import type { Entry } from '../config/reference.ts'

/** The reference of all keys as a page of Markdown, a section for each map. */
export function referencePage(entries: readonly Entry[]): string {
  const sections = new Map<string, Entry[]>()
  for (const entry of entries) {
    const parent = parentOf(entry.key)
    sections.set(parent, [...(sections.get(parent) ?? []), entry])
  }
  return [introduction, ...[...sections].map(([parent, keys]) => section(parent, keys))].join('\n\n').concat('\n')
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
  const name = key.slice(parentOf(key).length).replace(/^\./, '')
  const cells = [`\`${name}\``, type, isRequired ? 'required' : usual === undefined ? '' : `\`${usual}\``, description]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|').replaceAll('*', '\\*')).join(' | ')} |`
}

function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('.')))
}
