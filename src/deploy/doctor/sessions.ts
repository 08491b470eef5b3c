import type { Runner } from '../../runner/runner.ts'
import { stay } from '../../shell/stay.ts'
import { ok, type Verdict, warning } from './finding.ts'

/** As many as a deploy has at once, at most. */
const wanted = 8

/** Milliseconds that they may take to begin. */
const patience = 3000

/** Opens as many sessions at once as a deploy would, and counts those that sshd lets run. */
export async function checkSessions(runner: Runner, signal: AbortSignal): Promise<Verdict> {
  const over = new AbortController()
  let running = 0
  const all = Array.from({ length: wanted }, () =>
    runner.run(stay(), {
      signal,
      until: over.signal,
      onLine: () => {
        running += 1
        if (running === wanted) over.abort()
      },
    }),
  )
  let counted = 0
  const timer = setTimeout(() => {
    counted = running
    over.abort()
  }, patience)
  try {
    await Promise.all(all)
  } finally {
    clearTimeout(timer)
  }
  return judgeSessions(counted || running)
}

function judgeSessions(running: number): Verdict {
  return running >= wanted
    ? ok(`${wanted} at once`)
    : warning(
        'few-sessions',
        `its sshd lets ${running} run at once on a connection, and a deploy wants up to ${wanted}: the others wait`,
        `write MaxSessions 10 into its sshd_config, then reload sshd`,
      )
}
