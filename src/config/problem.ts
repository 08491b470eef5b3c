import { type ErrorCode, JijiError } from '../errors.ts'

/** One thing that is wrong in a configuration, or (a warning) that is likely to be. */
export type Problem = {
  file: string
  line: number
  column: number
  /** The key, as in `services.web.proxy.app_port`; empty for the whole file. */
  path: string
  code: ProblemCode | OnlineCode
  message: string
  hint?: string
}

export type ProblemCode =
  | 'syntax'
  | 'unknown-key'
  | 'wrong-value'
  | 'missing-key'
  | 'conflict'
  | 'unknown-server'
  | 'unknown-service'
  | 'unknown-registry'
  | 'missing-file'
  | 'missing-secret'
  | 'wrong-secret'
  | 'literal-secret'
  | 'not-ignored'
  | 'no-effect'

/** What is wrong outside of the file: what a command would fail with, or what is likely to be wrong with a server. */
export type OnlineCode = ErrorCode | 'dns' | 'host-key' | 'server' | 'registry'

export function byPosition(a: Problem, b: Problem): number {
  return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column
}

/** Carries every problem, for a screen or for JSON. */
export class InvalidConfig extends JijiError {
  readonly problems: readonly Problem[]
  /** What is likely to be wrong as well, for JSON: people have been told. */
  readonly warnings: readonly Problem[]

  /** @param code of what is wrong with the world instead, where the files are right */
  constructor(problems: readonly Problem[], warnings: readonly Problem[] = [], code: ErrorCode = 'config.invalid') {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super(code, `the configuration has ${count}`)
    this.problems = problems
    this.warnings = warnings
  }
}
