/** What git must not take, and the one file of them that it should. */
const wanted = ['.env', '.env.*', '!.env.example']

/** What .gitignore lacks; nothing where it has all of that, in these words or in wider ones. */
export function missingIgnores(gitignore: string): string[] {
  const lines = gitignore.split(/\r?\n/).map(line => line.trim().replace(/^(!?)\//, '$1'))
  const isWide = lines.includes('.env*')
  const isThere = (line: string) => lines.includes(line) || (isWide && !line.startsWith('!'))
  const missing = wanted.filter(line => !isThere(line))
  // What is taken out again comes after what it is taken out of.
  return missing.some(line => line === '.env.*') && !missing.includes('!.env.example')
    ? [...missing, '!.env.example']
    : missing
}

export function withIgnores(gitignore: string): string {
  const missing = missingIgnores(gitignore)
  if (missing.length === 0) return gitignore
  const newline = gitignore.includes('\r\n') ? '\r\n' : '\n'
  const before = gitignore === '' || gitignore.endsWith('\n') ? gitignore : `${gitignore}${newline}`
  return `${before}${missing.map(line => `${line}${newline}`).join('')}`
}
