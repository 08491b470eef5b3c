import { Document, isPair, isScalar, isSeq, type Node, parseAllDocuments, Scalar, visit } from 'yaml'

/**
 * Values as the text of one or more YAML documents, so that readers of YAML 1.1 (Kubernetes, Butane) and of 1.2 (GitHub,
 * GitLab) find the same in it. The same values give the same bytes.
 */
export function yamlText(...values: readonly unknown[]): string {
  return values.map(value => documentText(value)).join('---\n')
}

/** The text of one document, with a comment after each single value that has one. */
export function yamlWithComments(value: unknown, commentOf: (path: readonly (string | number)[]) => string): string {
  return documentText(value, commentOf)
}

/** A file's mode, which YAML 1.1 writes as `0600`. */
export function fileMode(mode: number): unknown {
  return Object.assign(new Scalar(mode), { format: 'OCT' })
}

function documentText(value: unknown, commentOf?: Parameters<typeof yamlWithComments>[1]): string {
  const document = new Document(value, { version: '1.1', aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (at, node, above) => {
      if (at === 'key') return
      if (typeof node.value === 'string' && mustBeQuoted(node.value)) node.type = Scalar.QUOTE_DOUBLE
      if (commentOf) node.comment = ` ${commentOf(pathOf([...above, node]))}`
    },
  })
  return withoutOddLineEnds(document.toString({ lineWidth: 0 }))
}

/** These end a line in YAML 1.1 and not in 1.2; text that holds one stands in double quotes, where each has an escape. */
export function withoutOddLineEnds(text: string): string {
  return text.replaceAll('\u0085', '\\N').replaceAll('\u2028', '\\L').replaceAll('\u2029', '\\P')
}

/** The keys and indexes that lead to the last of these nodes, each of which holds the next. */
function pathOf(nodes: readonly unknown[]): (string | number)[] {
  return nodes.flatMap((node, index): (string | number)[] => {
    if (isPair(node)) return [String(isScalar(node.key) ? node.key.value : node.key)]
    return isSeq(node) ? [node.items.indexOf(nodes[index + 1] as Node)] : []
  })
}

/** All but plain words, and text of several lines without anything odd in it, which is easier to read as a block. */
function mustBeQuoted(text: string): boolean {
  return isOdd(text) || (!text.includes('\n') && !/^([A-Za-z/][\w./@ -]*|\d+\.\d+\.\d+)$/.test(text))
}

/** Whether a text holds what readers of YAML change or refuse, unless it stands in double quotes as an escape. */
export function isOdd(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff\ufeff]/.test(text)
}

/** The values of all documents in a text; undefined where it is no YAML, or too deep or too long to be read. */
export function readYaml(text: string): unknown[] | undefined {
  if (text.length > longest || isCostly(text)) return undefined
  try {
    const documents = parseAllDocuments(text, { stringKeys: true, prettyErrors: false, logLevel: 'silent' })
    if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined
    return documents.map(document => document.toJS() as unknown)
  } catch {
    return undefined
  }
}

/** A few seconds' worth of the worst that can be in it, and a hundred times what secrets with logins are. */
const longest = 200_000

/**
 * The yaml package takes quadratic time and in the end the whole memory, which nothing can catch, for text that is nested
 * some ten thousand levels deep; many small maps and lists one after the other take it long too.
 */
function isCostly(text: string): boolean {
  const levels = 200
  // Indents, and what opens a level within a line: `- - -`, `? ? ?`.
  if (new RegExp(`^[ \\t]{${levels}}|(?:[-?:][ \\t\\n]+){${levels}}`, 'm').test(text)) return true
  const marks = text.match(/[[\]{}]/g) ?? []
  if (marks.length > 20_000) return true
  let depth = 0
  for (const mark of marks) {
    depth = Math.max(0, depth + (mark === '[' || mark === '{' ? 1 : -1))
    if (depth > levels) return true
  }
  return false
}
