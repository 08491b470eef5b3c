import type { Engine, Service } from '../config/config.ts'
import { certificateOf } from '../config/own-certificates.ts'
import type { Runner } from '../runner/runner.ts'
import { readCertificates } from '../shell/certificates.ts'
import { askHealth, questionsFor } from '../shell/health.ts'
import { lines } from '../shell/script.ts'
import { certificatesFolder } from '../shell/site-blocks.ts'
import { type Certificate, parseCertificates } from './certificates.ts'
import { limits } from './limits.ts'
import type { Observation } from './observe.ts'
import { replicasOf } from './standing.ts'

/** What was found out about the services of a server from inside its proxy. */
export type Answers = {
  /** By container: what it answered to the question whether it is ready; the first of several that says no. */
  healths: ReadonlyMap<string, Health>
  certificates: readonly Certificate[]
}

/** `status` is 0 when it gave no answer. */
export type Health = { status: number; path: string }

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
    replicasOf(observation, scope, name).flatMap(({ name, isRunning, ports }) =>
      proxy && isRunning ? [{ name, questions: questionsFor(proxy.targets, ports) }] : [],
    ),
  )
  const hosts = own.flatMap(service => secured(service, observation, scope))
  if (observation.proxy === undefined || asked.length + hosts.length === 0)
    return { healths: new Map(), certificates: [] }
  const script = lines(askHealth(engine, asked), ...(hosts.length > 0 ? [readCertificates(engine, hosts)] : []))
  const { stdout } = await runner.run(script, { signal, timeout: limits.ask })
  const answers = [...stdout.matchAll(/^health (\S+) (\d*)$/gm)].map(([, name, status]) => ({ name, status }))
  const healths = asked.map(({ name, questions }): [string, Health] => {
    const statuses = answers.filter(answer => answer.name === name).map(({ status }) => Number(status))
    const all = questions.map(({ said }, index) => ({ status: statuses[index] ?? 0, path: said }))
    return [name, all.find(health => !isWell(health)) ?? all[0] ?? { status: 0, path: '' }]
  })
  return { healths: new Map(healths), certificates: parseCertificates(stdout) }
}

export function isWell({ status }: Health): boolean {
  return status >= 200 && status < 400
}

/** The hosts of a service that have certificates, and the files of those that are its own. */
function secured({ proxy }: Service, { sites }: Observation, scope: string) {
  const files = sites.find(({ project }) => project === scope)?.certificates ?? {}
  return (proxy?.targets ?? []).flatMap(target => {
    if (target.ssl === false) return []
    const name = certificateOf(target)
    if (name === undefined) return target.hosts.map(host => ({ host }))
    const file = files[name]
    return file ? target.hosts.map(host => ({ host, file: `${certificatesFolder(scope)}/${file}` })) : []
  })
}
