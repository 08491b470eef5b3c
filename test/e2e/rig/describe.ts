import { describe } from 'vitest'
import { rigUnavailable } from './rig.ts'

/** A `describe` that is skipped, with the reason in its name, where no rig can run. */
export function describeOnRig(name: string, body: () => void): void {
  const reason = rigUnavailable()
  if (reason) describe.skip(`${name} (skipped: ${reason})`, body)
  else describe(name, body)
}
