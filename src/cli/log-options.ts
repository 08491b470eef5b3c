import { JijiError } from '../errors.ts'
import type { LogRange } from '../shell/logs.ts'
import type { OptionSpec, Options } from './options.ts'

/** What all commands that show logs take. */
export const logOptions = [
  { flags: '-f, --follow', description: 'Go on showing new lines, until Ctrl-C' },
  { flags: '-n, --lines <count>', description: 'Lines of each container, or all (100; all with --since or --grep)' },
  { flags: '--since <time>', description: 'Only lines since a time (2026-01-31T12:00:00) or for a while (10m, 2d)' },
  { flags: '--grep <text>', description: 'Only lines with this text; capital letters count when it has some' },
  { flags: '-t, --timestamps', description: 'Show when each line was written' },
] as const satisfies readonly OptionSpec[]

export type LogOptions = {
  follow: boolean
  range: LogRange
  timestamps: boolean
  isWanted: (text: string) => boolean
}

/** @throws JijiError usage */
export function readLogOptions(options: Options, now = new Date()): LogOptions {
  const since = options.text('since')
  const grep = options.text('grep')
  const lines = options.text('lines') ?? (since || grep ? 'all' : '100')
  return {
    follow: options.flag('follow'),
    timestamps: options.flag('timestamps'),
    range: {
      lines: parseLines(lines),
      since: since === undefined ? undefined : parseMoment(since, now),
    },
    isWanted: containing(grep),
  }
}

/** What `--lines` says; undefined for all. */
export function parseLines(text: string): number | undefined {
  return text === 'all' ? undefined : wholeNumber(text)
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new JijiError('usage', `--lines takes a whole number or all, not ${text}`)
}

/** A time in the engine's form. What has no zone is meant as this machine's clock shows it. */
export function parseMoment(text: string, now: Date): string {
  const while_ = /^(?:\d+(?:s|m|h|d|w))+$/.test(text) ? [...text.matchAll(/(\d+)([smhdw])/g)] : undefined
  if (while_) {
    const ago = while_.reduce((sum, [, amount, unit = 's']) => sum + Number(amount) * (milliseconds[unit] ?? 0), 0)
    return new Date(now.getTime() - ago).toISOString()
  }
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text.length === 10 ? `${text}T00:00:00` : text) : undefined
  if (date && !Number.isNaN(date.getTime())) return date.toISOString()
  throw new JijiError('usage', `--since takes a time or a duration, not ${text}`, {
    hint: 'such as 10m, 2h30m, 3d, 2026-01-31 or 2026-01-31T12:00:00Z',
  })
}

const milliseconds: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}

/** Plain text, of which capital letters count when it has some. */
export function containing(wanted: string | undefined): (text: string) => boolean {
  if (!wanted) return () => true
  const isExact = wanted !== wanted.toLowerCase()
  return isExact ? text => text.includes(wanted) : text => text.toLowerCase().includes(wanted)
}
