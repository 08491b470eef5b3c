import { JijiError } from '../errors.ts'

/** One thing that is wrong in a configuration, or (a warning) that is likely to be. */
export type Problem = {
  file: string
  line: number
  column: number
  /** The key, as in `services.web.proxy.app_port`; empty for the whole file. */
  path: string
  code: ProblemCode
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

export function byPosition(a: Problem, b: Problem): number {
  return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column
}

/** Carries every problem, for a screen or for JSON. */
export class InvalidConfig extends JijiError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super('config.invalid', `the configuration has ${count}`)
    this.problems = problems
  }
}
