import type { Engine } from '../config/config.ts'
import { labels } from './names.ts'
import { type Script, sh } from './script.ts'

/** Which lines: the last so many, and none that are older than a time in the engine's form. */
export type LogRange = { lines?: number | undefined; since?: string | undefined }

/** What a container wrote to stdout and stderr, in its order, each line after its time. */
export function readLogs(
  engine: Engine,
  container: string,
  { follow, lines, since }: LogRange & { follow: boolean },
): Script {
  const words = [
    '--timestamps',
    ...(lines === undefined ? [] : ['--tail', lines]),
    ...(follow ? ['--follow'] : []),
    ...(since ? ['--since', since] : []),
  ]
  return sh`interruptible ${engine} logs ${words} ${container} 2>&1`
}

/** Lines `running NAME…`, one every two seconds: the containers that carry the label, for as long as somebody listens. */
export function watchRunning(engine: Engine, label: string): Script {
  return sh`while :; do
  names=$(${engine} ps --filter ${`label=${label}`} --format '{{.Names}}') && echo running $names
  interruptible sleep 2
done`
}

/** The label that a project's containers carry. */
export function projectLabel(scope: string): string {
  return `${labels.project}=${scope}`
}
