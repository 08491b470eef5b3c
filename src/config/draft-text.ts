import { isDeepStrictEqual } from 'node:util'
import { Document, isCollection, isMap, isNode, isScalar, type Pair, Scalar, visit } from 'yaml'
import { type Path, readDocument } from './document.ts'
import type { Draft } from './draft.ts'
import { isOdd, withoutOddLineEnds } from './yaml-text.ts'

/** Says something about the key at a path: in the lines before it, or after its value. */
export type Comment = { path: Path; before?: string; after?: string }

/**
 * A configuration as somebody would write it: what is short in one line, the rest in blocks. What is given back has been
 * read again, and holds what the draft holds.
 */
export function draftText(draft: Draft, comments: readonly Comment[] = []): string {
  const document = new Document(draft, { schema: 'failsafe', aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (_, node) => void (mustBeQuoted(String(node.value)) && Object.assign(node, { type: Scalar.QUOTE_DOUBLE })),
    Collection: (_, node, above) => void (above.length > 1 && fitsInLine(node) && Object.assign(node, { flow: true })),
  })
  if (isMap(document.contents)) {
    for (const { key } of document.contents.items.slice(1)) Object.assign(key as Scalar, { spaceBefore: true })
  }
  for (const comment of comments) annotate(document, comment)
  const text = withoutOddLineEnds(document.toString({ lineWidth: 0, flowCollectionPadding: false }))
  const { data, problems } = readDocument('', text)
  if (problems.length > 0 || !isDeepStrictEqual(data, draft))
    throw new Error(`what was to be written reads otherwise:\n${text}`)
  return text
}

function annotate(document: Document, { path, before, after }: Comment): void {
  const above = document.getIn(path.slice(0, -1), true)
  const pair = isMap(above)
    ? (above.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) as Pair | undefined)
    : undefined
  if (!pair) return
  if (before !== undefined) Object.assign(pair.key as Scalar, { commentBefore: asComment(before) })
  if (after !== undefined && isNode(pair.value)) pair.value.comment = asComment(after)
}

function asComment(text: string): string {
  return text
    .split('\n')
    .map(line => ` ${line}`)
    .join('\n')
}

/** Also for readers of other schemas: what looks like nothing is not the text that it looks like. */
function mustBeQuoted(text: string): boolean {
  return isOdd(text) || text.includes('\n') || /^(null|~|<<|\s.*|.*\s|[\d:]+:\d+|)$/i.test(text)
}

function fitsInLine(node: unknown): boolean {
  if (!isCollection(node)) return false
  const parts = node.items.flatMap(item =>
    isScalar(item) ? [item] : isPairOfScalars(item) ? [item.key, item.value] : [null],
  )
  const length = parts.reduce((sum, part) => sum + String(part?.value ?? '').length + 2, 0)
  return parts.every(part => part !== null && !String(part.value).includes('\n')) && length < 72
}

function isPairOfScalars(item: unknown): item is Pair<Scalar, Scalar> {
  const { key, value } = item as Partial<Pair>
  return isScalar(key) && isScalar(value)
}
