import { JijiError } from '../../errors.ts'
import { lastLine } from '../../runner/engine-failure.ts'
import { lineReader } from '../../runner/line-reader.ts'
import { type AuditEntry, followAudit, parseAuditEntry, readAudit } from '../../shell/audit.ts'
import type { Script } from '../../shell/script.ts'
import type { Connections } from './connections.ts'

/** What a server's audit says now, and how far that was, in the words of its script. */
type AuditRead = { entries: readonly AuditEntry[]; known: string }

export type AuditPlace = { server: string; scope: string; connections: Connections; signal: AbortSignal }

/** @throws JijiError failed */
export async function readAuditAt(
  place: AuditPlace,
  filter: { action?: string | undefined; count?: number | undefined },
): Promise<AuditRead> {
  let read: AuditRead = { entries: [], known: '' }
  await run(
    place,
    () => readAudit(place.scope, filter),
    (entries, known) => {
      read = { entries, known }
    },
  )
  return read
}

/** Shows what is added from there on, over new connections where one is lost, until the signal says so. */
export async function followAuditAt(
  place: AuditPlace,
  begun: string,
  show: (entry: AuditEntry) => void,
): Promise<void> {
  let known = begun
  await run(
    place,
    () => followAudit(place.scope, known),
    (entries, now) => {
      known = now
      for (const entry of entries) show(entry)
    },
  )
}

/**
 * Takes entries only together with the word of how far they go: of what a lost connection has cut off, all comes again.
 */
async function run(
  { server, connections, signal }: AuditPlace,
  script: () => Script,
  take: (entries: readonly AuditEntry[], known: string) => void,
): Promise<void> {
  await connections.use(async runner => {
    let entries: AuditEntry[] = []
    let lastWords = ''
    const lines = lineReader(line => {
      if (line.startsWith('entry ')) entries.push(...parseAuditEntry(line.slice('entry '.length)))
      if (!line.startsWith('known')) return
      take(entries, line.slice('known'.length))
      entries = []
    })
    const { code } = await runner.run(script(), {
      signal,
      onChunk: (chunk, stream) => {
        if (stream === 'stdout') lines.write(chunk)
        else lastWords = lastLine(`${lastWords}${chunk}`)
        return undefined
      },
    })
    if (code === 0) return
    throw new JijiError('failed', `${server}: the audit cannot be read: ${lastWords}`, { server })
  })
}
