import type { Engine } from '../config/config.ts'
import { type Script, sh } from './script.ts'

/** What a container wrote to stdout and stderr, in its order. */
export function readLogs(
  engine: Engine,
  container: string,
  how: { follow: boolean; lines: number; since: string | undefined },
): Script {
  const words = ['--tail', how.lines, ...(how.follow ? ['--follow'] : []), ...(how.since ? ['--since', how.since] : [])]
  return sh`interruptible ${engine} logs ${words} ${container} 2>&1`
}
