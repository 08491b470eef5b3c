import type { Path } from '../../config/document.ts'
import type { OnlineCode } from '../../config/problem.ts'
import type { JijiError } from '../../errors.ts'
import type { Verdict } from '../doctor/finding.ts'

/** What the world says against a line of the configuration. */
export type Found = {
  path: Path
  isWarning: boolean
  code: OnlineCode
  message: string
  hint?: string
}

/** What the doctor thinks of something, at the key that it is about. What is well, or cannot be known, is nothing. */
export function foundAt(path: Path, verdict: Verdict | undefined, code: OnlineCode, place = ''): Found[] {
  if (!verdict || (verdict.state !== 'problem' && verdict.state !== 'warning')) return []
  const { state, hint, message } = verdict
  const isWarning = state === 'warning'
  const said = place ? `${place}: ${message}` : message
  return [
    { path, isWarning, code: isWarning ? code : (verdict.code ?? code), message: said, ...(hint ? { hint } : {}) },
  ]
}

export function foundFailure(path: Path, { code, message, hint }: JijiError): Found {
  return { path, isWarning: false, code, message, ...(hint ? { hint } : {}) }
}

/** What several servers find of one line is said once. */
export function eachOnce(found: readonly Found[]): Found[] {
  return [...new Map(found.map(one => [`${one.path.join('.')} ${one.message}`, one])).values()]
}
