import { cut, pad, widthOf, withoutColours } from './text-width.ts'

/**
 * Lines no wider than this, but for words that are. What goes on stands further in than where it began, or below the text
 * of a line that begins with a label. Without a width all stays as it is.
 */
export function wrap(text: string, width: number | undefined): string {
  if (width === undefined) return text
  return text
    .split('\n')
    .flatMap(line => wrapLine(line, width))
    .join('\n')
}

/** Words of others, behind a mark that tells them from ours. */
export function wrapBehind(mark: string, text: string, width = Number.POSITIVE_INFINITY): string {
  return text
    .split('\n')
    .flatMap(line => (widthOf(mark + line) <= width ? [mark + line] : wrapAfter(mark, line, width, `${mark}  `)))
    .join('\n')
}

/** The same for a line that begins with `first` and goes on, where it must, after `hang`: less of it where a word needs that. */
export function wrapAfter(first: string, text: string, width: number, hang: string): string[] {
  const lines: string[] = []
  let line = first
  let isEmpty = true
  for (const [, spaces = '', word = ''] of text.matchAll(/( *)([^ ]+)/g)) {
    if (!isEmpty && widthOf(line + spaces + word) > width) {
      lines.push(line)
      line = (hang.trim() === '' ? hang.slice(0, Math.max(0, width - widthOf(word))) : hang) + word
    } else {
      line += spaces + word
    }
    isEmpty = false
  }
  return [...lines, line]
}

/** For a column of a table: words that are wider than it go on in the next line too, and what is too much ends in `...`. */
export function wrapCell(text: string, width: number, most: number): string[] {
  const lines = wrapAfter('', text.trim(), width, '').flatMap(line => pieces(line, width))
  const last = lines[most - 1]
  return lines.length <= most || last === undefined
    ? lines
    : [...lines.slice(0, most - 1), `${cut(last, width - 3).trimEnd()}...`]
}

function wrapLine(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line]
  const [label = ''] = labelled.exec(withoutColours(line)) ?? []
  const [indent = ''] = /^ */.exec(line) ?? []
  const hang = label !== '' && widthOf(label) <= width * 0.4 ? pad('', widthOf(label)) : `${indent}  `
  return wrapAfter(indent, line.slice(indent.length), width, hang)
}

/** `error: `, or something that stands in a column of its own. */
const labelled = /^((error|warning): | *\S+( \S+)* {2,}(?=\S))/

function pieces(line: string, width: number): string[] {
  const lines: string[] = []
  let rest = line
  while (widthOf(rest) > width) {
    const piece = cut(rest, width) || ([...rest][0] ?? '')
    lines.push(piece)
    rest = rest.slice(piece.length)
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, rest]
}
