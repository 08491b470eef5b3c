/** Columns as wide as their widest cell; what would not fit the width is cut, in the last column first. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string {
  const all = [head.map(cell => cell.toUpperCase()), ...rows.map(row => row.map(oneLine))]
  const widths = head.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)))
  return all
    .map(row =>
      row
        .map((cell, column) => (column === head.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd()
        .slice(0, width),
    )
    .join('\n')
}

function oneLine(cell: string): string {
  return cell.trim().replace(/\s*\n\s*/g, ' ')
}
