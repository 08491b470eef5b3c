import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, Scalar, visit } from 'yaml'
import type { Problem } from './problem.ts'

export type Path = readonly (string | number)[]
export type Position = { file: string; line: number; column: number }

/** A YAML file as plain text values, and where each of them stands. */
export type Document = {
  file: string
  /** Maps, lists and text; `undefined` where a key has no value. */
  data: unknown
  problems: Problem[]
  /** Where a value (or with `at: 'key'` its key) stands; for a path that is not there, its nearest parent's key. */
  locate(path: Path, at?: 'key' | 'value'): Position
  has(path: Path): boolean
}

/**
 * Reads YAML with every scalar as the text that stands in the file: YAML's own guesses lose the zero of `1.10` and
 * turn `no` into a boolean. Anchors and merge keys work.
 */
export function readDocument(file: string, source: string): Document {
  const lineCounter = new LineCounter()
  const document = parseDocument(source, {
    lineCounter,
    merge: true,
    stringKeys: true,
    schema: 'failsafe',
    prettyErrors: false,
  })
  const positionOf = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const problems: Problem[] = [...document.errors, ...document.warnings].map(error => ({
    ...positionOf(error.pos[0]),
    path: '',
    code: 'syntax',
    message: lowerFirst(error.message),
  }))

  const locate = (path: Path, at: 'key' | 'value' = 'value') => {
    for (let length = path.length; length > 0; length--) {
      const found = find(document.contents, path.slice(0, length))
      if (!found) continue
      const isWhole = length === path.length
      const node = isWhole && at === 'value' ? (found.value ?? found.key) : (found.key ?? found.value)
      return positionOf(node?.range?.[0] ?? 0)
    }
    return positionOf(0)
  }
  const has = (path: Path) => find(document.contents, path) !== undefined

  if (problems.length === 0) {
    visit(document, {
      Scalar: (at, node) => void (at !== 'key' && isEmpty(node) && Object.assign(node, { value: null })),
      Alias: (_, alias) => {
        if (alias.resolve(document)) return
        const message = `there is no anchor &${alias.source} before this alias`
        problems.push({ ...positionOf(alias.range?.[0] ?? 0), path: '', code: 'syntax', message })
      },
    })
  }
  let data: unknown
  if (problems.length === 0) {
    try {
      data = nullToUndefined(document.toJS())
    } catch (error) {
      // The yaml package throws here on aliases that would grow without end ("billion laughs").
      problems.push({ ...positionOf(0), path: '', code: 'syntax', message: lowerFirst((error as Error).message) })
    }
  }
  return { file, data, problems, locate, has }
}

type Found = { key?: Node | null; value?: Node | null }

function find(contents: unknown, path: Path): Found | undefined {
  let current: Found = { value: contents as Node }
  for (const step of path) {
    const node = isAlias(current.value) ? undefined : current.value
    if (isMap(node)) {
      const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === String(step)) as
        | Pair<Node, Node | null>
        | undefined
      if (!pair) return undefined
      current = { key: pair.key, value: pair.value }
    } else if (isSeq(node) && typeof step === 'number' && node.items[step]) {
      current = { value: node.items[step] as Node }
    } else return undefined
  }
  return current
}

function isEmpty(node: Scalar): boolean {
  return node.type === Scalar.PLAIN && (node.source === '' || node.source === '~')
}

/** `secrets:` with nothing but comments below it is a key that is not given. */
function nullToUndefined(data: unknown): unknown {
  if (data === null) return undefined
  if (Array.isArray(data)) return data.map(nullToUndefined)
  if (typeof data !== 'object') return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, nullToUndefined(value)]))
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
