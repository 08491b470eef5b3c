import { cut } from './text-width.ts'

/** What a terminal of this size can show at once, with a line left for the cursor. */
export function firstLines(
  text: string,
  { columns, rows }: { columns: number | undefined; rows: number | undefined },
): string[] {
  const lines = text.split('\n').map(line => (columns === undefined ? line : cut(line, columns)))
  if (rows === undefined || lines.length < rows) return lines
  const shown = lines.slice(0, Math.max(0, rows - 2))
  return [...shown, `... and ${lines.length - shown.length} more lines`]
}
