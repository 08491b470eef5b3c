import type { LogRange } from '../../shell/logs.ts'
import type { Entry } from './entry.ts'

/** How far a log has been read: the time of the last line, and how many lines of that time there were. */
export type Position = { at: string; count: number }

export function positionAfter(entry: Entry, before: Position | undefined): Position {
  return { at: entry.at, count: entry.at === before?.at ? before.count + 1 : 1 }
}

/** What to ask for so that nothing is missed; engines do not agree on whether `since` includes its own time. */
export function rangeAfter({ at }: Position): LogRange {
  return { since: new Date(Date.parse(at) - 1000).toISOString() }
}

/** Says of each line that is read again whether it has been read before. */
export function alreadyRead(position: Position | undefined): (entry: Entry) => boolean {
  let again = 0
  return ({ at }) => {
    if (position === undefined || at > position.at) return false
    if (at === position.at) again += 1
    return at < position.at || again <= position.count
  }
}
