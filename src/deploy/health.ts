import type { Engine, Service } from '../config/config.ts'
import type { Runner } from '../runner/runner.ts'
import { readCertificates } from '../shell/certificates.ts'
import { askHealth } from '../shell/health.ts'
import { lines } from '../shell/script.ts'
import { type Certificate, parseCertificates } from './certificates.ts'
import { limits } from './limits.ts'
import type { Observation } from './observe.ts'
import { replicasOf } from './standing.ts'

/** What was found out about the services of a server from inside its proxy. */
export type Answers = {
  /** By container: what it answered to the question whether it is ready; 0 when it gave no answer. */
  statuses: ReadonlyMap<string, number>
  certificates: readonly Certificate[]
}

/** Asks the services of a server that run behind its proxy, from there, and reads their certificates. */
export async function askServices(
  runner: Runner,
  engine: Engine,
  observation: Observation,
  scope: string,
  services: readonly Service[],
  signal: AbortSignal,
): Promise<Answers> {
  const own = services.filter(({ servers }) => servers.includes(runner.server))
  const asked = own.flatMap(({ name, proxy }) =>
    replicasOf(observation, scope, name).flatMap(({ name, isRunning, port }) =>
      proxy && isRunning ? [{ service: name, name, port, proxy }] : [],
    ),
  )
  const hosts = own.flatMap(({ proxy }) => (proxy?.ssl ? proxy.hosts : []))
  if (observation.proxy === undefined || asked.length + hosts.length === 0)
    return { statuses: new Map(), certificates: [] }
  const script = lines(askHealth(engine, asked), ...(hosts.length > 0 ? [readCertificates(engine, hosts)] : []))
  const { stdout } = await runner.run(script, { signal, timeout: limits.ask })
  const health = [...stdout.matchAll(/^health (\S+) (\d*)$/gm)]
  return {
    statuses: new Map(health.map(([, name = '', status]) => [name, Number(status)])),
    certificates: parseCertificates(stdout),
  }
}
