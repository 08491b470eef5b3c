import type { Config } from '../config/config.ts'
import type { Selected } from '../config/select.ts'
import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import { type Answers, askServices } from './health.ts'
import { type Observation, observeServer } from './observe.ts'
import { asItRuns } from './recorded.ts'

/** What the servers said, and why some said nothing. */
export type Looked = {
  observations: Observation[]
  answers: Map<string, Answers>
  failures: Map<string, JijiError>
  /** Milliseconds that each took to say what runs there. */
  took: Map<string, number>
}

/** Asks all servers at once; one that fails keeps nobody from seeing the others. */
export async function look(
  { scope }: Config,
  { servers, services }: Selected,
  runners: ReadonlyMap<string, Runner>,
  unreached: readonly JijiError[],
  signal: AbortSignal,
): Promise<Looked> {
  const failures = new Map(unreached.map(error => [error.server ?? '', error]))
  const answers = new Map<string, Answers>()
  const took = new Map<string, number>()
  const asked = servers.map(async ({ name, engine }) => {
    const runner = runners.get(name)
    if (!runner) return []
    const began = Date.now()
    try {
      const observation = await observeServer(runner, engine, scope, signal, { isFollowed: true })
      took.set(name, Date.now() - began)
      const running = services.map(service => asItRuns(observation, scope, service))
      answers.set(name, await askServices(runner, engine, observation, scope, running, signal))
      return [observation]
    } catch (error) {
      if (signal.aborted || !(error instanceof JijiError)) throw error
      failures.set(name, error)
      return []
    }
  })
  return { observations: (await Promise.all(asked)).flat(), answers, failures, took }
}
