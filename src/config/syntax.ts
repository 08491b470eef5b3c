import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  type Node,
  type Pair,
  visit,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import { nearest } from './nearest.ts'

/** What is wrong with a file as YAML, where, and what was perhaps meant. */
export type SyntaxProblem = { offset: number; message: string; hint?: string }

type Words = Omit<SyntaxProblem, 'offset'>
type YamlError = YAMLParseError | YAMLWarning

/**
 * What the yaml package found, in words for somebody who does not know its terms. What loses track of the structure is
 * said once: all that comes after is a consequence.
 */
export function syntaxProblems(document: Document.Parsed, source: string): SyntaxProblem[] {
  const errors = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0])
  const lost = errors.find(({ code }) => !isApart(code))
  const apart = errors.filter(({ code, pos }) => isApart(code) && pos[0] < (lost?.pos[0] ?? Number.POSITIVE_INFINITY))
  const said = [...apart, ...(lost ? [lost] : [])].map(error => ({
    offset: error.pos[0],
    ...inWords(error, document, source),
  }))
  const twice = duplicateKeys(document, source).filter(
    ({ offset }) => offset < (lost?.pos[0] ?? Number.POSITIVE_INFINITY),
  )
  return [...said, ...twice].toSorted((a, b) => a.offset - b.offset)
}

/** Aliases and merge keys that lead nowhere, in a file that is whole otherwise. */
export function aliasProblems(document: Document.Parsed): SyntaxProblem[] {
  const problems: SyntaxProblem[] = []
  const anchors = new Map<string, Node>() // what has come so far, which is all that an alias can mean
  visit(document, {
    Node: (_, node) => void ('anchor' in node && node.anchor && anchors.set(node.anchor, node)),
    Alias(_, alias, above) {
      const meant = anchors.get(alias.source)
      const offset = alias.range?.[0] ?? 0
      if (!meant) problems.push({ offset, ...unknownAnchor(alias.source, anchorsIn(document)) })
      else if (above.includes(meant))
        problems.push({ offset, message: `*${alias.source} stands inside of what it repeats, which has no end then` })
    },
    Pair(_, pair) {
      const wrong = notMergeable(pair, anchors)
      if (wrong !== undefined) problems.push(wrong)
    },
  })
  return problems
}

/** Text that cannot be what was meant: nobody can be given a NUL, and what was not UTF-8 is lost. */
export function characterProblems(document: Document.Parsed): SyntaxProblem[] {
  const problems: SyntaxProblem[] = []
  visit(document, {
    Scalar(_, { value, range }) {
      const [odd] = (typeof value === 'string' && /[\0\ufffd]/.exec(value)) || []
      if (odd === undefined) return
      const words =
        odd === '\0'
          ? { message: 'this text has a NUL in it, which cannot be passed to any program' }
          : { message: 'this text has bytes that are not UTF-8', hint: 'save the file as UTF-8' }
      problems.push({ offset: range?.[0] ?? 0, ...words })
    },
  })
  return problems
}

function isApart(code: string): boolean {
  return ['BAD_DQ_ESCAPE', 'TAG_RESOLVE_FAILED', 'BAD_SCALAR_START'].includes(code)
}

function inWords(error: YamlError, document: Document.Parsed, source: string): Words {
  const [offset] = error.pos
  const line = lineAt(source, offset)
  if (/^(<{7}|={7}|>{7})/.test(line))
    return { message: 'a conflict of git stands here', hint: 'resolve it: keep one of the two, and remove the marks' }
  const found = words[error.code]?.({ error, line, offset, document, source })
  return found ?? { message: lowerFirst(error.message) }
}

type About = { error: YamlError; line: string; offset: number; document: Document.Parsed; source: string }

const withoutColon = ({ line }: About): Words => {
  const text = line.trim()
  const [, key] = /^([\w.-]+)(?::|\s+)\S/.exec(text) ?? []
  if (key === undefined) return { message: 'neither `key: value` nor `- item`' }
  const message = text.startsWith(`${key}:`) ? 'a space is missing after the :' : 'a : is missing after the key'
  return { message, hint: `write ${key}: and a space before what follows` }
}

const words: Readonly<Record<string, (about: About) => Words>> = {
  TAB_AS_INDENT({ source }) {
    const lines = source.split('\n').filter(line => /^ *\t/.test(line)).length
    const message = 'a tab indents this line, and YAML takes spaces only'
    return { message, hint: `put two spaces in the place of each tab${lines > 1 ? `; ${lines} lines have some` : ''}` }
  },
  MULTILINE_IMPLICIT_KEY: withoutColon,
  MISSING_CHAR(about) {
    if (!/closing|quote/i.test(about.error.message)) return withoutColon(about)
    return { message: 'text in quotes has no end', hint: 'put the same quote at its end' }
  },
  BLOCK_AS_IMPLICIT_KEY({ line }) {
    const [, key = '', value = ''] = /^\s*(?:- )?([^\s:]+):\s+(.*)$/.exec(line) ?? []
    return /:(\s|$)/.test(value)
      ? { message: 'a value with a : in it must be in quotes', hint: `write ${key}: "…"` }
      : {
          message: 'a line below is indented further, and this key has its value already',
          hint: 'keys of one map begin in the same column',
        }
  },
  BAD_INDENT({ error }) {
    const [, kind] = /^flow (sequence|map)/i.exec(error.message) ?? []
    if (kind === undefined)
      return { message: 'indented otherwise than its neighbours', hint: 'keys of one map begin in the same column' }
    const [open, close] = kind.startsWith('s') ? ['[', ']'] : ['{', '}']
    return { message: `a ${open} before this has no ${close}`, hint: `add ${close} where the list or map ends` }
  },
  BAD_SCALAR_START: ({ source, offset }) => ({
    message: `a value cannot begin with ${source[offset]}`,
    hint: 'put it in quotes',
  }),
  NON_STRING_KEY: () => ({
    message: 'a map or a list stands where a key should',
    hint: 'a value that begins with { or [ must be in quotes; {{ … }} is not filled in by anybody here',
  }),
  MULTIPLE_DOCS: () => ({
    message: '--- begins another document, and a configuration is one',
    hint: 'remove the line, or make it a file of its own: an environment is laid over the base with -e',
  }),
  UNEXPECTED_TOKEN: ({ source, offset }) =>
    /["']/.test(source.slice(Math.max(0, offset - 2), offset))
      ? {
          message: 'there is more after the closing quote',
          hint: 'inside of \'…\' a quote is written twice, and in "…" as \\"',
        }
      : { message: 'nothing is expected here' },
  BAD_DQ_ESCAPE: ({ source, offset }) => ({
    message: `in "…" a \\ needs a letter that it goes with, and ${source.slice(offset, offset + 2)} is none`,
    hint: "write it in '…', where a \\ is only itself",
  }),
  TAG_RESOLVE_FAILED: () => ({ message: 'a value that begins with ! must be in quotes' }),
}

function duplicateKeys(document: Document.Parsed, source: string): SyntaxProblem[] {
  const problems: SyntaxProblem[] = []
  visit(document, {
    Map(_, { items }) {
      const firsts = new Map<unknown, number>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        const offset = key.range?.[0] ?? 0
        const first = firsts.get(key.value)
        if (first === undefined) firsts.set(key.value, offset)
        else problems.push({ offset, ...twice(String(key.value), first, source) })
      }
    },
  })
  return problems
}

function twice(key: string, first: number, source: string): Words {
  const line = source.slice(0, first).split('\n').length
  return { message: `${key} stands here a second time`, hint: `the first is in line ${line}: remove or rename one` }
}

function unknownAnchor(name: string, anchors: readonly string[]): Words {
  const message = `there is no anchor &${name} before this alias`
  const meant = nearest(name, anchors)
  if (/[./]|^$/.test(name) || anchors.length === 0)
    return { message, hint: `a value that begins with * must be in quotes: "*${name}"` }
  return { message, hint: meant ? `did you mean *${meant}?` : `anchors: ${anchors.map(one => `&${one}`).join(', ')}` }
}

function anchorsIn(document: Document.Parsed): string[] {
  const anchors: string[] = []
  visit(document, { Node: (_, node) => void ('anchor' in node && node.anchor && anchors.push(node.anchor)) })
  return anchors
}

function notMergeable({ key, value }: Pair, anchors: ReadonlyMap<string, Node>): SyntaxProblem | undefined {
  if (!isScalar(key) || key.value !== '<<' || key.type !== 'PLAIN') return undefined
  const sources = value && typeof value === 'object' && 'items' in value && !isMap(value) ? value.items : [value]
  const isFine = (node: unknown) => {
    const target = isAlias(node) ? anchors.get(node.source) : node
    return isMap(target) || (isAlias(node) && target === undefined)
  }
  if ((sources as unknown[]).every(isFine)) return undefined
  const offset = (value as { range?: [number] } | null)?.range?.[0] ?? key.range?.[0] ?? 0
  const message = '<< takes the keys of a map, and this is none'
  return { offset, message, hint: 'an anchor for it stands before a map: x-name: &name {key: value}, then <<: *name' }
}

function lineAt(source: string, offset: number): string {
  const start = source.lastIndexOf('\n', offset - 1) + 1
  const end = source.indexOf('\n', offset)
  return source.slice(start, end < 0 ? undefined : end)
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
