import { CST, Lexer } from 'yaml'

/** Nobody nests deeper, and whatever walks through a file would run out of stack somewhere. */
const deepest = 100

/** Where a YAML file is nested deeper than anything that is meant; undefined where it is not. Nothing here recurses. */
export function tooDeepAt(source: string): number | undefined {
  const columns: number[] = []
  let [offset, lineStart, brackets, isFirst] = [0, 0, 0, true]
  for (const lexeme of new Lexer().lex(source)) {
    if (marks.includes(lexeme)) continue
    const type = CST.tokenType(lexeme)
    const column = offset - lineStart
    if (type === 'flow-seq-start' || type === 'flow-map-start') brackets += 1
    if (type === 'flow-seq-end' || type === 'flow-map-end') brackets -= 1
    if (isFirst && type !== 'space' && type !== 'newline') {
      while (columns.length > 0 && (columns.at(-1) ?? 0) >= column) columns.pop()
      columns.push(column)
      isFirst = false
    } else if (type === 'seq-item-ind' || type === 'explicit-key-ind') columns.push(column)
    if (columns.length + brackets > deepest) return offset
    offset += lexeme.length
    if (type === 'newline') [lineStart, isFirst] = [offset, true]
  }
  return undefined
}

/** What the lexer says between pieces of the source. */
const marks: readonly string[] = [CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]
