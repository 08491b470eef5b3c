import type { Connections } from './connections.ts'
import type { Entry } from './entry.ts'
import { mergeByTime } from './merge.ts'
import { queue } from './queue.ts'
import { type Reading, readLog, type Source } from './read.ts'

export type Line = Entry & { source: Source }

/** Lines of one log that may wait here until those of the others have been shown. */
const room = 500

/**
 * What has been written until now, of all logs, in the order of time. `readings` know then how far that was. A log that
 * cannot be read is told of, and the others do not suffer from it.
 */
export function readHistory(
  readings: readonly Reading[],
  connectionsOf: (source: Source) => Connections,
  warn: (error: unknown) => void,
  signal: AbortSignal,
): AsyncIterable<Line> {
  const linesOf = (reading: Reading) => {
    const { source } = reading
    const lines = queue<Line>(room)
    const take = (entry: Entry) => lines.put({ ...entry, source })
    readLog(connectionsOf(source), reading, take, { follow: false, signal }).catch(warn).finally(lines.end)
    return lines
  }
  return mergeByTime(readings.map(linesOf))
}
