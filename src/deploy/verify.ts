import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Selected } from '../config/select.ts'
import type { Place } from '../registry/places.ts'
import { failureOf, findingsOf } from '../registry/verify/findings.ts'
import { type Need, needsHere, needsOn } from '../registry/verify/needs.ts'
import { type Check, verifyAt } from '../registry/verify/proof.ts'
import type { Runner } from '../runner/runner.ts'
import { type Report, reported } from './event.ts'
import { settled } from './failure.ts'

/** What must be proved before a deploy, by the names of places: what it uses credentials for, and nothing else. */
export type Proofs = ReadonlyMap<string, readonly Need[]>

const here = 'here'

export function proofsFor(config: Config, secrets: Secrets, { servers, services }: Selected, version: string): Proofs {
  const from = { config, secrets, services, version }
  const all: [string, Need[]][] = [
    [here, needsHere(from)],
    ...servers.map(({ name }): [string, Need[]] => [name, needsOn(name, from)]),
  ]
  const withLogin = all.map(([place, needs]): [string, Need[]] => [place, needs.filter(({ login }) => login)])
  return new Map(withLogin.filter(([, needs]) => needs.length > 0))
}

type VerifyContext = {
  config: Config
  /** This machine. */
  here: Runner
  runners: ReadonlyMap<string, Runner>
  report: Report
  signal: AbortSignal
}

/**
 * Proves all of it at once, here and on all servers. What cannot be known stops nothing: the push or the pull will tell.
 * @throws JijiError registry.refused, registry.unreachable, pull.failed
 */
export async function verifyDeploy(context: VerifyContext, proofs: Proofs): Promise<void> {
  const { report, signal } = context
  const hosts = new Set([...proofs.values()].flat().map(({ host }) => host))
  await reported(report, { step: 'verify', detail: [...hosts].join(', ') }, async () => {
    const work = placesOf(context).map(place => verifyAt(place, proofs.get(place.name) ?? [], signal))
    const checks = (await settled(work)).flat()
    for (const check of checks) tell(report, check)
    const failure = failureOf(checks)
    if (failure) throw failure
  })
}

function placesOf({ config, here: runner, runners }: VerifyContext): Place[] {
  const servers = config.servers.flatMap(({ name, engine }): Place[] => {
    const runner = runners.get(name)
    return runner ? [{ name, engine, runner }] : []
  })
  return [{ name: here, engine: config.builder.engine, runner }, ...servers]
}

function tell(report: Report, check: Check): void {
  const found = findingsOf([check]).filter(({ isFailure }) => !isFailure)
  for (const detail of [...found.map(({ message }) => message), ...check.notes])
    report({ step: 'verify', state: 'note', server: check.place, detail })
}
