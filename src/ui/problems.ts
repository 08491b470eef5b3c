import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Problem } from '../config/problem.ts'
import { decode } from '../config/text-file.ts'
import { harmless } from './harmless.ts'
import { cut, widthOf } from './text-width.ts'

type Shown = { width?: number | undefined; mask?: (text: string) => string }

/** `file:line:column`, what is wrong, the line itself with a mark below, and what to do. */
export function renderProblem(problem: Problem, directory: string, shown: Shown = {}): string {
  const { file, line, column, path, message, hint } = problem
  const place = `${relative(directory, file) || file}:${line}:${column}`
  const text = [
    `${place}: ${path ? `${path}: ` : ''}${message}`,
    ...(isPrivate(problem) ? [] : excerpt(problem, shown)),
  ]
  if (hint) text.push(hint.replace(/^/gm, '  '))
  return text.join('\n').split('\n').map(harmless).join('\n')
}

function excerpt({ file, line, column }: Problem, { width = usual, mask = text => text }: Shown): string[] {
  try {
    const source = decode(readFileSync(file)).split(/\r?\n/)[line - 1]
    if (source === undefined || source.trim() === '' || holdsSecret(source)) return []
    const label = String(line)
    // A part of a secret is not masked, so a line with one is not cut.
    const room = mask(source) !== source ? Number.POSITIVE_INFINITY : width - label.length - 5
    const { text, before } = around(source, column - 1, room)
    const indent = [...before].map(character => (character === '\t' ? character : ' '.repeat(widthOf(character))))
    return [`  ${label} | ${text}`, `  ${' '.repeat(label.length)} | ${indent.join('')}^`]
  } catch {
    return []
  }
}

/** What a line is cut to where nobody says how wide it may be. */
const usual = 80

/** The part of a long line that has the place in it, and what stands before that place. */
function around(source: string, place: number, room: number): { text: string; before: string } {
  const before = source.slice(0, place)
  if (widthOf(source) <= room) return { text: source, before }
  const from = widthOf(before) < room * 0.6 ? 0 : place - Math.floor(room / 3)
  const start = from > 0 ? '...' : ''
  const rest = start + source.slice(from)
  const text = widthOf(rest) > room ? `${cut(rest, room - 3)}...` : rest
  return { text, before: start + source.slice(from, place) }
}

function isPrivate({ code, path }: Problem): boolean {
  return code === 'literal-secret' || (code === 'not-ignored' && path === '')
}

/** A password that is written out, or one in the user information of an address: the log of a CI run is no place for it. */
function holdsSecret(line: string): boolean {
  return (
    /\b(password\s|(password|key)["']?\s*:)\s*["']?(?!["'\s,}#]|[A-Z][A-Z0-9_]*["']?\s*([,}#]|$)|\$\()\S/.test(line) ||
    /:[^\s@/]+@(?!sha256:)/.test(line)
  )
}
