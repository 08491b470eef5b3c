import { type ErrorCode, JijiError } from '../../errors.ts'
import type { Cause } from './causes.ts'
import type { Check } from './proof.ts'

/** The same thing, at one or more places. */
type Found = { places: string[]; cause: Cause; message: string; hint: string; isFailure: boolean }
type Said = Pick<Found, 'places' | 'message' | 'hint'>

/** What checks have found, failures first, each thing once. */
export function findingsOf(checks: readonly Check[]): Found[] {
  const found = new Map<string, Found>()
  for (const check of checks) {
    const { cause, message = '', hint = '', place } = check
    if (!cause) continue
    const isFailure = isFailed(check)
    const key = `${isFailure} ${message} ${hint}`
    const known = found.get(key) ?? { places: [], cause, message, hint, isFailure }
    if (!known.places.includes(place)) known.places.push(place)
    found.set(key, known)
  }
  return [...found.values()].toSorted((a, b) => Number(b.isFailure) - Number(a.isFailure))
}

export function isFailed({ reach, identity, pull, push }: Check): boolean {
  return [reach, identity, pull, push].includes('failed')
}

/** All failures as one error, the gravest first; undefined where there is none. */
export function failureOf(checks: readonly Check[]): JijiError | undefined {
  const graveness: ErrorCode[] = ['registry.refused', 'registry.unreachable', 'pull.failed']
  const rank = ({ cause }: Found) => graveness.indexOf(codeOf(cause))
  const failures = findingsOf(checks).filter(({ isFailure }) => isFailure)
  const [first, ...others] = failures.toSorted((a, b) => rank(a) - rank(b))
  if (!first) return undefined
  return new JijiError(codeOf(first.cause), `${first.places.join(', ')}: ${first.message}`, {
    hint: first.hint.replaceAll('\n', '\n  '),
    ...(others.length > 0 ? { output: others.map(renderFound).join('\n') } : {}),
  })
}

/** A line that says where and what, and below it what to do. */
export function renderFound({ places, message, hint }: Said): string {
  return `${places.join(', ')}: ${message}\n${hint.replace(/^/gm, '  ')}`
}

/** The credential was refused, the image is not there, or the registry is not. */
export function codeOf(cause: Cause): ErrorCode {
  if (['wrong-password', 'no-credential', 'no-pull', 'no-push'].includes(cause)) return 'registry.refused'
  return cause === 'no-tag' || cause === 'no-repository' ? 'pull.failed' : 'registry.unreachable'
}
