/**
 * Prints rows in columns, with what begins with a digit to the right.
 * @param {string} title
 * @param {string[]} head
 * @param {string[][]} rows
 */
export function printTable(title, head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column]?.length ?? 0)))
  const isNumeric = head.map((_, column) => column > 0 && rows.some(row => /^\d/.test(row[column] ?? '')))
  const pad = (/** @type {string} */ cell, /** @type {number} */ column) =>
    isNumeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
  const print = (/** @type {string[]} */ row) => console.log(row.map(pad).join('  ').trimEnd())
  console.log(`\n${title}\n`)
  print(head)
  for (const row of rows) print(row)
}

/** @param {readonly number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2
}
