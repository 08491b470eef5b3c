const esc = '\u001b'
const tokens = new RegExp(`${esc}\\[[?\\d;]*[A-Za-z]|\\r?\\n|.`, 'gs')
const sequence = new RegExp(`^${esc}\\[([?\\d;]*)([A-Za-z])$`)

/**
 * What a terminal of some width shows after what was written to it: a line each, however far it has scrolled. It knows the
 * few control sequences that are meant to be used, and throws at others.
 */
export function screenAfter(written: string, columns: number): string[] {
  const lines: string[] = ['']
  let [row, column] = [0, 0]
  const lineAt = () => lines[row] ?? ''
  const put = (character: string) => {
    if (column === columns) feed()
    lines[row] = lineAt().padEnd(column).slice(0, column) + character + lineAt().slice(column + 1)
    column += 1
  }
  const feed = () => {
    column = 0
    row += 1
    if (row === lines.length) lines.push('')
  }
  for (const [token] of written.matchAll(tokens)) {
    const [, amount = '', final] = sequence.exec(token) ?? []
    if (final === undefined && token.endsWith('\n')) feed()
    else if (token === '\r') column = 0
    else if (final === undefined && token >= ' ') put(token)
    else if (final === 'A') row = Math.max(0, row - Number(amount || 1))
    else if (final === 'K' && amount === '') lines[row] = lineAt().slice(0, column)
    else if (final === 'G') column = Number(amount || 1) - 1
    else if (final === 'J' && Number(amount) === 0) lines.splice(row, lines.length, lineAt().slice(0, column))
    else if (final !== 'm') throw new Error(`nobody told a terminal of ${JSON.stringify(token)}`)
  }
  return lines.map(line => line.trimEnd())
}
