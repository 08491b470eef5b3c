import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import type { Report } from './event.ts'

export type LossContext = {
  runners: ReadonlyMap<string, Runner>
  /** Connects to a server anew and takes its lock again, so that `runners` has the new connection. */
  reconnect?: (server: string) => Promise<void>
  report: Report
  signal: AbortSignal
}

const mostLosses = 3

/**
 * Does what may be done twice, and where the connection is lost meanwhile, does it again over a new one.
 * @throws JijiError server.lost when that has not helped
 */
export async function overLosses<T>(
  context: LossContext,
  server: string,
  work: (runner: Runner) => Promise<T>,
  known = 'nothing was switched there',
): Promise<T> {
  const { reconnect, report, signal } = context
  for (let losses = 1; ; losses++) {
    try {
      return await work(runnerOf(context, server))
    } catch (error) {
      if (!(error instanceof JijiError) || error.code !== 'server.lost' || !reconnect || signal.aborted) throw error
      if (losses > mostLosses) throw lostTooOften(error, losses, known)
      report({ step: 'connect', state: 'lost', server, detail: error.message })
      await reconnect(server)
      report({ step: 'connect', state: 'done', server, detail: 'again' })
    }
  }
}

export function runnerOf({ runners }: Pick<LossContext, 'runners'>, server: string): Runner {
  const runner = runners.get(server)
  if (!runner) throw new Error(`${server} is not connected`)
  return runner
}

function lostTooOften(error: JijiError, times: number, known: string): JijiError {
  return new JijiError('server.lost', `${error.message}, for the ${times}th time`, {
    ...(error.server ? { server: error.server } : {}),
    hint: `${known}; see its network and its sshd, then deploy again`,
    cause: error,
  })
}
