/**
 * Which entries of a context's top folder are sent to a builder elsewhere. The engine there reads .dockerignore itself, and
 * better; this only leaves at home what surely is ignored as a whole (.git, node_modules), because it may be most of the
 * bytes. `kept` are entries that the engine needs though they are ignored.
 */
export function namesToSend(names: readonly string[], dockerignore: string, kept: readonly string[]): string[] {
  const lines = dockerignore
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
  const ignored = lines.filter(line => !line.startsWith('!')).flatMap(line => topPattern(line) ?? [])
  const exceptions = lines.filter(line => line.startsWith('!')).map(line => firstOf(line.slice(1)))
  return names.filter(
    name =>
      kept.includes(name) || exceptions.some(one => one === undefined || one === name) || !ignored.some(is => is(name)),
  )
}

/** What a line says of whole entries of the top folder: names in which `*` stands for anything, below any folder or not. */
function topPattern(line: string): ((name: string) => boolean) | undefined {
  const text = plain(line).replace(/^(\*\*\/)+/, '')
  if (text === '' || /[/?[\]\\]|\*\*/.test(text)) return undefined
  const parts = text.split('*').map(part => part.replace(/[.+^$()|{}]/g, '\\$&'))
  const pattern = new RegExp(`^${parts.join('.*')}$`, 's')
  return name => pattern.test(name)
}

/** The entry of the top folder that an exception is in; undefined where that may be any. */
function firstOf(line: string): string | undefined {
  const [first = ''] = plain(line).split('/')
  return first === '' || /[*?[\]\\]/.test(first) ? undefined : first
}

function plain(line: string): string {
  return line
    .trim()
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
}
