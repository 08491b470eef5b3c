import { isDeepStrictEqual } from 'node:util'
import { type Document, isMap, isScalar, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml'
import { JijiError } from '../errors.ts'
import { readDocument } from './document.ts'
import { yamlText } from './yaml-text.ts'

/** A credential to be written under `registries`. */
export type Declaration = { name: string; server: string; username: string; password: string }

/**
 * The text of a configuration with these under its `registries`, and everything else in it as it was, comments and anchors
 * too. What is given back has been read again: it holds what it held, and these.
 * @throws JijiError config.invalid when there is no place for them
 */
export function addRegistries(source: string, declarations: readonly Declaration[]): string {
  if (declarations.length === 0) return source
  const added = Object.fromEntries(declarations.map(({ name, ...rest }) => [name, rest]))
  const before = readDocument('', source).data as { registries?: object } | undefined
  const expected = { ...before, registries: { ...before?.registries, ...added } }
  for (const text of candidates(source, added)) {
    const { data, problems } = readDocument('', text)
    if (problems.length === 0 && isDeepStrictEqual(data, expected)) return text
  }
  throw new JijiError('config.invalid', 'the declarations cannot be added to `registries` as it is written', {
    hint: `write them by hand:\n${yamlText({ registries: added }).trimEnd()}`,
  })
}

type Added = Record<string, Omit<Declaration, 'name'>>
type Registries = Pair<Node, Node | null>

/** Ways to write it, the one that changes least first: not each of them is right for every file. */
function* candidates(source: string, added: Added): Generator<string> {
  const document = parseDocument(source, { merge: true, stringKeys: true, schema: 'failsafe' })
  const registries = pairOf(document, 'registries')
  const newline = source.includes('\r\n') ? '\r\n' : '\n'
  const block = (indent: number) =>
    yamlText(added)
      .trimEnd()
      .split('\n')
      .map(line => `${' '.repeat(indent)}${line}${newline}`)
      .join('')

  if (!registries) {
    const section = `registries:${newline}${block(2)}`
    const whole = source === '' || source.endsWith('\n') ? source : `${source}${newline}`
    yield `${whole}${newline}${section}`
    yield `${whole}${section}`
    yield insertedAfter(source, lastOffset(document.contents), section, newline)
  } else if (isMap(registries.value) && registries.value.flow) {
    yield insertedInBraces(source, registries.value, added)
  } else if (isMap(registries.value) && registries.value.items.length > 0) {
    const first = registries.value.items[0]?.key as Node | undefined
    const start = first?.range?.[0] ?? 0
    const indent = start - (source.lastIndexOf('\n', start - 1) + 1)
    yield insertedAfter(source, lastOffset(registries.value), block(indent), newline)
  } else {
    yield insertedAfter(source, registries.key.range?.[1] ?? 0, block(2), newline)
  }
  if (registries && !isMap(registries.value)) return
  for (const [name, declaration] of Object.entries(added)) document.setIn(['registries', name], declaration)
  yield document.toString({ lineWidth: 0 })
}

function pairOf(document: Document, key: string): Registries | undefined {
  const root = document.contents
  if (!isMap(root)) return undefined
  return root.items.find(item => isScalar(item.key) && item.key.value === key) as Registries | undefined
}

/** In the line after the one in which something ends. */
function insertedAfter(source: string, offset: number, text: string, newline: string): string {
  const isAtLineStart = offset > 0 && source[offset - 1] === '\n'
  const lineEnd = isAtLineStart ? offset : source.indexOf('\n', offset) + 1
  if (lineEnd === 0) return `${source}${newline}${text}`
  return `${source.slice(0, lineEnd)}${text}${source.slice(lineEnd)}`
}

function insertedInBraces(source: string, map: YAMLMap, added: Added): string {
  const end = (map.range?.[1] ?? 1) - 1
  const before = source.slice(0, end).trimEnd()
  const separator = before.endsWith('{') ? '' : before.endsWith(',') ? ' ' : ', '
  const items = Object.entries(added).map(([name, { server, username, password }]) => {
    const [quotedServer, quotedName] = [server, username].map(value => JSON.stringify(value))
    return `${JSON.stringify(name)}: {server: ${quotedServer}, username: ${quotedName}, password: ${password}}`
  })
  return `${before}${separator}${items.join(', ')}${source.slice(end)}`
}

/** Where the last thing inside a node ends; a map itself ends after the comments and empty lines that follow it. */
function lastOffset(node: unknown): number {
  if (isMap(node) && !node.flow && node.items.length > 0) {
    const last = node.items.at(-1) as Pair<Node, Node | null>
    return Math.max(lastOffset(last.key), lastOffset(last.value))
  }
  return (node as Node | null)?.range?.[1] ?? 0
}
