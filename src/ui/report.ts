import type { Table } from './table.ts'
import type { Span } from './timeline.ts'

/** How a release went, for those who were not there. Nothing in it is a secret. */
export type Report = {
  /** `deployed shop v2`, or what was to be. */
  title: string
  /** ISO 8601. */
  at: string
  milliseconds: number
  spans: readonly Span[]
  /** Rows of what changed or, after a failure, of what serves now. */
  table?: Table
  failure?: { message: string; hint?: string; output?: string }
}

/** `850 ms`, `1.2 s`, `2 min 5 s`. */
export function renderTime(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 100) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}
