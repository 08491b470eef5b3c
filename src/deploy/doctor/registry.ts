import { codeOf, findingsOf } from '../../registry/verify/findings.ts'
import type { Check } from '../../registry/verify/proof.ts'
import { type Finding, ok, problem, unknown, type Verdict } from './finding.ts'

/** What was proved of registries, as one finding for each credential and place. */
export function registryFindings(checks: readonly Check[]): Finding[] {
  const groups = new Map<string, Check[]>()
  for (const check of checks) {
    const key = `${check.place} ${check.registry} ${check.username ?? ''}`
    groups.set(key, [...(groups.get(key) ?? []), check])
  }
  return [...groups.values()].flatMap(([first, ...others]) =>
    first ? [{ place: first.place, check: 'registry', ...judge([first, ...others]) }] : [],
  )
}

function judge(checks: readonly [Check, ...Check[]]): Verdict {
  const [{ registry, username }] = checks
  const [worst] = findingsOf(checks)
  if (worst) {
    const { cause, message, hint, isFailure } = worst
    return isFailure ? problem(codeOf(cause), cause, message, hint) : unknown(cause, message, hint)
  }
  const rights = (['pull', 'push'] as const).filter(right => checks.some(check => check[right] === 'ok'))
  const images = `${checks.length} ${checks.length === 1 ? 'image' : 'images'}`
  const may = rights.length > 0 ? `may ${rights.join(' and ')} ${images}` : 'answers'
  const notes = [...new Set(checks.flatMap(check => check.notes))]
  return ok([`${registry} ${username ? `as ${username}` : 'without a login'} ${may}`, ...notes].join('; '))
}
