import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml'
import { tooDeepAt } from './depth.ts'
import type { Problem } from './problem.ts'
import { aliasProblems, characterProblems, type SyntaxProblem, syntaxProblems } from './syntax.ts'

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
  const deep = tooDeepAt(source)
  if (deep !== undefined) return nestedTooDeep(file, source, deep)
  const lineCounter = new LineCounter()
  const positionOf = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const problemOf = ({ offset, ...words }: SyntaxProblem): Problem => ({
    ...positionOf(offset),
    path: '',
    code: 'syntax',
    ...words,
  })
  const document = parseDocument(source, {
    lineCounter,
    merge: true,
    stringKeys: true,
    schema: 'failsafe',
    prettyErrors: false,
    uniqueKeys: false, // the package compares every key with every other; syntaxProblems says which stand there twice
  })
  const found = syntaxProblems(document, source)
  const others = () => [...aliasProblems(document), ...characterProblems(document)]
  const problems = (found.length > 0 ? found : others()).map(problemOf)

  const find = finder(document.contents)
  const locate = (path: Path, at: 'key' | 'value' = 'value') => {
    for (let length = path.length; length > 0; length--) {
      const found = find(path.slice(0, length))
      if (!found) continue
      const isWhole = length === path.length
      const node = isWhole && at === 'value' ? (found.value ?? found.key) : (found.key ?? found.value)
      return positionOf(node?.range?.[0] ?? 0)
    }
    return positionOf(0)
  }
  const has = (path: Path) => find(path) !== undefined

  let data: unknown
  if (problems.length === 0) {
    visit(document, {
      Scalar: (at, node) => void (at !== 'key' && isEmpty(node) && Object.assign(node, { value: null })),
    })
    try {
      data = nullToUndefined(document.toJS())
    } catch (error) {
      // The yaml package throws here on aliases that would grow without end ("billion laughs").
      problems.push(
        problemOf({ offset: 0, message: (error as Error).message.replace(/^./, first => first.toLowerCase()) }),
      )
    }
  }
  return { file, data, problems, locate, has }
}

function nestedTooDeep(file: string, source: string, offset: number): Document {
  const before = source.slice(0, offset).split('\n')
  const position = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
  const message = 'this is nested more than 100 levels deep'
  const hint = 'no configuration is: a bracket without its end, or a file that is something else?'
  const problems: Problem[] = [{ ...position, path: '', code: 'syntax', message, hint }]
  return { file, data: undefined, problems, locate: () => position, has: () => false }
}

type Found = { key?: Node | null; value?: Node | null }

/** Finds what stands at a path. It is asked for every key, and so goes through a map once only. */
function finder(contents: unknown): (path: Path) => Found | undefined {
  const indexes = new Map<YAMLMap, ReadonlyMap<string, Found>>()
  const indexOf = (map: YAMLMap) => {
    const index = indexes.get(map) ?? pairsByKey(map)
    indexes.set(map, index)
    return index
  }
  return path => {
    let current: Found | undefined = { value: contents as Node }
    for (const step of path) {
      const node: unknown = current.value
      if (isMap(node)) current = indexOf(node).get(String(step))
      else if (isSeq(node) && typeof step === 'number' && node.items[step])
        current = { value: node.items[step] as Node }
      else return undefined
      if (!current) return undefined
    }
    return current
  }
}

function pairsByKey(map: YAMLMap): ReadonlyMap<string, Found> {
  const pairs = map.items as Pair<Node, Node | null>[]
  return new Map(pairs.flatMap(pair => (isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [])))
}

function isEmpty(node: Scalar): boolean {
  return node.type === Scalar.PLAIN && /^(~|null|Null|NULL)?$/.test(node.source ?? '')
}

/** `secrets:` with nothing but comments below it is a key that is not given. */
function nullToUndefined(data: unknown): unknown {
  if (data === null) return undefined
  if (Array.isArray(data)) return data.map(nullToUndefined)
  if (typeof data !== 'object') return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, nullToUndefined(value)]))
}
