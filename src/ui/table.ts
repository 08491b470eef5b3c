import { pad, widthOf } from './text-width.ts'
import { wrapAfter, wrapCell } from './wrap.ts'

type Row = readonly string[]
export type Table = { head: Row; rows: readonly Row[] }

/**
 * Columns as wide as their widest cell. Where that is wider than somebody's terminal, words go on in the next line of their
 * column; where not even that fits, each row becomes a list of its own. Without a width nothing is left out or cut, for
 * the programs that read it.
 */
export function renderTable(head: Row, rows: readonly Row[], width?: number): string {
  const cells = rows.map(row => row.map(oneLine))
  if (width === undefined) return renderColumns(head, cells, naturalWidths(head, cells))
  const columns = columnsWithin(head, cells)
  const of = (row: Row) => columns.map(column => row[column] ?? '')
  const [shownHead, shown] = [of(head), cells.map(of)]
  const widths = shrink(shownHead, shown, width)
  return widths ? renderColumns(shownHead, shown, widths) : renderLists(shownHead, shown, width)
}

/** Lines of a cell, in a table whose rows can still be told apart. */
const most = 4
/** What words are broken for at the least. */
const narrowest = 20
const between = 2

function renderColumns(head: Row, rows: readonly Row[], widths: readonly number[]): string {
  return [head.map(name => name.toUpperCase()), ...rows].flatMap(row => renderRow(row, widths)).join('\n')
}

function renderRow(row: Row, widths: readonly number[]): string[] {
  const cells = row.map((cell, column) => wrapCell(cell, widths[column] ?? 0, most))
  const height = Math.max(...cells.map(lines => lines.length))
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, column) => pad(lines[line] ?? '', widths[column] ?? 0))
      .join(' '.repeat(between))
      .trimEnd(),
  )
}

function renderLists(head: Row, rows: readonly Row[], width: number): string {
  const column = Math.max(...head.map(widthOf)) + 2
  return rows
    .map(row =>
      head
        .flatMap((name, index) => {
          const value = row[index] ?? ''
          if (index > 0 && isNothing(value)) return []
          return wrapAfter(pad(`${name}:`, column), value, width, ' '.repeat(column))
        })
        .join('\n'),
    )
    .join('\n\n')
}

/** How wide columns are when the widest give way to the others; nothing where there is not enough to give. */
function shrink(head: Row, rows: readonly Row[], width: number): number[] | undefined {
  const widths = naturalWidths(head, rows)
  const least = head.map((name, column) => Math.max(widthOf(name), ...rows.map(row => leastWidth(row[column] ?? ''))))
  let excess = widths.reduce((sum, one) => sum + one, between * (head.length - 1)) - width
  for (; excess > 0; excess--) {
    const giving = widths.map((one, column) => (one > (least[column] ?? 0) ? one : 0))
    const widest = giving.indexOf(Math.max(...giving))
    if (!giving[widest]) return undefined
    widths[widest] = giving[widest] - 1
  }
  return widths
}

function naturalWidths(head: Row, rows: readonly Row[]): number[] {
  return head.map((name, column) => Math.max(widthOf(name), ...rows.map(row => widthOf(row[column] ?? ''))))
}

/** A value stays whole; in a sentence a long word may be broken. */
function leastWidth(cell: string): number {
  const words = cell.split(' ').map(widthOf)
  return words.length === 1 ? Math.max(...words) : Math.min(narrowest, Math.max(...words))
}

/** Those that say something; all of them where only the first does, which then are what there is not. */
function columnsWithin(head: Row, rows: readonly Row[]): number[] {
  const all = head.map((_, column) => column)
  const full = all.filter(column => column === 0 || !isEmpty(rows, column))
  return full.length > 1 ? full : all
}

function isEmpty(rows: readonly Row[], column: number): boolean {
  return rows.length > 0 && rows.every(row => isNothing(row[column] ?? ''))
}

function isNothing(cell: string): boolean {
  return cell === '' || cell === '-'
}

function oneLine(cell: string): string {
  return cell.trim().replace(/\s*\n\s*/g, ' ')
}
