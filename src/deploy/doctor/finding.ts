import { type ErrorCode, JijiError } from '../../errors.ts'

/** `unknown`: it could not be found out, which is no failure. A `warning` is none either. */
type State = 'ok' | 'warning' | 'problem' | 'unknown'

/** What one check came to. */
export type Verdict = {
  state: State
  /** What was seen. */
  message: string
  /** Why it is not ok: a stable word, for scripts. */
  cause?: string
  /** What to do about it. */
  hint?: string
  /** What a command would fail with. */
  code?: ErrorCode
  /** What was measured. */
  figures?: Readonly<Record<string, number>>
}

/** A verdict on this machine (`here`) or a server: a row of the result. */
export type Finding = Verdict & { place: string; check: string }

export function ok(message: string, figures?: Verdict['figures']): Verdict {
  return { state: 'ok', message, ...(figures ? { figures } : {}) }
}

export function warning(cause: string, message: string, hint: string): Verdict {
  return { state: 'warning', cause, message, hint }
}

export function problem(code: ErrorCode, cause: string, message: string, hint: string): Verdict {
  return { state: 'problem', cause, message, hint, code }
}

export function unknown(cause: string, message: string, hint: string): Verdict {
  return { state: 'unknown', cause, message, hint }
}

/** What the errors of a command say, as a problem. */
export function problemOf({ code, message, hint, server }: JijiError, fallback = 'see `jiji doctor -v`'): Verdict {
  return problem(code, code, withoutPlace(message, server), hint ?? fallback)
}

export function findingsAt(
  place: string,
  verdicts: Readonly<Record<string, Verdict | readonly Verdict[] | undefined>>,
): Finding[] {
  return Object.entries(verdicts).flatMap(([check, verdict = []]) =>
    [verdict].flat().map(one => ({ place, check, ...one })),
  )
}

/** All problems as one error, with the exit status of the gravest; undefined where there is none. */
export function failureOf(findings: readonly Finding[]): JijiError | undefined {
  const problems = findings.filter(({ state }) => state === 'problem')
  const [worst] = problems.toSorted((a, b) => rank(a.code) - rank(b.code))
  if (!worst) return undefined
  const count = problems.length === 1 ? 'one problem was found' : `${problems.length} problems were found`
  return new JijiError(worst.code ?? 'failed', `${count}; what to do is said with each`)
}

/** A server that cannot be reached first, then a credential that is refused, then all else. */
function rank(code: ErrorCode = 'failed'): number {
  if (code.startsWith('server.')) return 0
  return code === 'registry.refused' ? 1 : 2
}

function withoutPlace(message: string, server: string | undefined): string {
  return server !== undefined && message.startsWith(`${server}: `) ? message.slice(server.length + 2) : message
}
