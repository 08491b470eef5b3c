import { inMinutes } from '../../registry/verify/causes.ts'
import type { Answers } from './answers.ts'
import { ok, unknown, type Verdict, warning } from './finding.ts'

/** Milliseconds that TLS, tokens and ACME forgive. */
const tolerance = 5000

/**
 * A server tells its time in whole seconds, at some moment between our question and its answer: what counts is by how
 * much its clock is wrong at least.
 */
export function judgeClock({ clock }: Pick<Answers, 'clock'>, asked: { sent: number; heard: number }): Verdict {
  if (clock === undefined) return unknown('no-clock', 'it did not say what time it is', 'see what `date` says there')
  const ahead = Math.max(0, clock * 1000 - asked.heard)
  const behind = Math.max(0, asked.sent - (clock + 1) * 1000)
  const skew = ahead - behind
  if (Math.abs(skew) <= tolerance) return ok('agrees with the clock here')
  return warning(
    'clock-skew',
    `its clock is ${render(skew)}${skew > 0 ? ' of' : ''} the one here`,
    'TLS, tokens and ACME need the right time. Set whichever is wrong: sudo timedatectl set-ntp true',
  )
}

function render(skew: number): string {
  const seconds = Math.round(Math.abs(skew) / 1000)
  return seconds < 120 ? `${seconds} s ${skew > 0 ? 'ahead' : 'behind'}` : inMinutes(skew)
}
