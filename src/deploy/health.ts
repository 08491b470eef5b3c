import type { Engine, Service } from '../config/config.ts'
import type { Runner } from '../runner/runner.ts'
import { askHealth } from '../shell/health.ts'
import { limits } from './limits.ts'
import { liveOf } from './live.ts'
import type { Observation } from './observe.ts'

/** What a service answered to the question whether it is ready; 0 when it gave no answer. */
export type Answers = ReadonlyMap<string, number>

/** Asks the services of a server that run behind its proxy, from there. */
export async function askServices(
  runner: Runner,
  engine: Engine,
  observation: Observation,
  scope: string,
  services: readonly Service[],
  signal: AbortSignal,
): Promise<Answers> {
  const asked = services.flatMap(({ name: service, proxy, servers }) => {
    const { container } = liveOf(observation, scope, service)
    return proxy && container?.isRunning && servers.includes(runner.server)
      ? [{ service, name: container.name, port: container.port, proxy }]
      : []
  })
  if (asked.length === 0 || observation.proxy === undefined) return new Map()
  const { stdout } = await runner.run(askHealth(engine, asked), { signal, timeout: limits.ask })
  return new Map([...stdout.matchAll(/^health (\S+) (\d*)$/gm)].map(([, name = '', status]) => [name, Number(status)]))
}
