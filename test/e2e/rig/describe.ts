import { describe } from 'vitest'
import { aptUnavailable, rigUnavailable, rootlessUnavailable } from './rig.ts'

/** A `describe` that is skipped, with the reason in its name, where no rig can run. */
export function describeOnRig(name: string, body: () => void): void {
  describeUnless(rigUnavailable(), name, body)
}

/** The same of one whose servers have a user with a Podman of his own. */
export function describeOnRootlessRig(name: string, body: () => void): void {
  describeUnless(rigUnavailable() ?? rootlessUnavailable(), name, body)
}

/** The same of one whose servers have their distribution's packages taken away. */
export function describeOnAptRig(name: string, body: () => void): void {
  describeUnless(rigUnavailable() ?? aptUnavailable(), name, body)
}

function describeUnless(reason: string | undefined, name: string, body: () => void): void {
  if (reason) describe.skip(`${name} (skipped: ${reason})`, body)
  else describe(name, body)
}
