/** A file that says which secrets there are, and none of them. */
export function envExample(names: readonly string[]): string {
  const head = '# Copy this to .env, which git leaves alone, and fill it in; the environment is looked at first.\n'
  return head + names.map(name => `${name}=\n`).join('')
}

/** The secrets that such a file does not name yet. */
export function missingIn(text: string, names: readonly string[]): string[] {
  return names.filter(name => !new RegExp(`^\\s*#?\\s*(export\\s+)?${name}\\s*=`, 'm').test(text))
}
