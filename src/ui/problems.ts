import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Problem } from '../config/problem.ts'

/** `file:line:column`, what is wrong, the line itself with a mark below, and what to do. */
export function renderProblem(problem: Problem, directory: string): string {
  const { file, line, column, path, message, hint } = problem
  const place = `${relative(directory, file) || file}:${line}:${column}`
  const text = [`${place}: ${path ? `${path}: ` : ''}${message}`, ...excerpt(file, line, column)]
  if (hint) text.push(`  ${hint}`)
  return text.join('\n')
}

function excerpt(file: string, line: number, column: number): string[] {
  try {
    const source = readFileSync(file, 'utf8').split('\n')[line - 1]
    if (source === undefined || source.trim() === '' || holdsSecret(source)) return []
    const label = String(line)
    const indent = source.slice(0, column - 1).replace(/[^\t]/g, ' ')
    return [`  ${label} | ${source}`, `  ${' '.repeat(label.length)} | ${indent}^`]
  } catch {
    return []
  }
}

/** A password that is written out, or one in the user information of an address: the log of a CI run is no place for it. */
function holdsSecret(line: string): boolean {
  return (
    /\b(password|key)["']?\s*:\s*["']?(?!["'\s,}#]|[A-Z][A-Z0-9_]*["']?\s*([,}#]|$)|\$\()\S/.test(line) ||
    /:[^\s@/]+@(?!sha256:)/.test(line)
  )
}
