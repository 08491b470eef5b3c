import type { Engine } from '../../config/config.ts'
import { JijiError } from '../../errors.ts'
import { lineReader } from '../../runner/line-reader.ts'
import { type LogRange, readLogs } from '../../shell/logs.ts'
import type { Connections } from './connections.ts'
import { type Entry, parseEntry } from './entry.ts'
import { alreadyRead, type Position, positionAfter, rangeAfter } from './position.ts'

/** A container whose log is read, and how it is called there. */
export type Source = { server: string; engine: Engine; service: string; title: string; container: string }

/** What has been read of a log so far. */
export type Reading = { source: Source; range: LogRange; position?: Position | undefined }

/**
 * Reads a log to its end, or for as long as its container runs. Where the connection is lost it goes on over a new one
 * with the line after the last; `reading` knows how far it came, whatever happens.
 * @throws JijiError engine.failed
 */
export async function readLog(
  connections: Connections,
  reading: Reading,
  take: (entry: Entry) => Promise<void> | undefined,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
): Promise<void> {
  const { server, engine, container } = reading.source
  await connections.use(async runner => {
    const range = reading.position ? rangeAfter(reading.position) : reading.range
    const isOld = alreadyRead(reading.position)
    let waits: Promise<void>[] = []
    let lastWords = 'without a word'
    const lines = lineReader(line => {
      const entry = parseEntry(line)
      if (!entry) lastWords = line
      if (!entry || isOld(entry)) return
      reading.position = positionAfter(entry, reading.position)
      const wait = take(entry)
      if (wait) waits.push(wait)
    })
    const { code } = await runner.run(readLogs(engine, container, { ...range, follow }), {
      signal,
      onChunk: chunk => {
        waits = []
        lines.write(chunk)
        return waits.length > 0 ? Promise.all(waits).then(() => {}) : undefined
      },
    })
    lines.end()
    if (code === 0) return
    throw new JijiError('engine.failed', `${server}: the log of ${container} cannot be read: ${lastWords}`, { server })
  })
}
