import { lookup } from 'node:dns/promises'
import { type Config, credentialsOf, type Server } from '../../config/config.ts'
import { InvalidConfig } from '../../config/problem.ts'
import { type Finding, failureOf, findingsAt, problem, unknown, type Verdict } from '../../deploy/doctor/finding.ts'
import { examineThisMachine } from '../../deploy/doctor/here.ts'
import { registryFindings } from '../../deploy/doctor/registry.ts'
import { examineServers } from '../../deploy/doctor/servers.ts'
import type { JijiError } from '../../errors.ts'
import { credentialFor } from '../../registry/credentials.ts'
import { renderFound } from '../../registry/verify/findings.ts'
import { builtName, needsHere, needsOn } from '../../registry/verify/needs.ts'
import { verifyAt } from '../../registry/verify/proof.ts'
import { slots } from '../../runner/slots.ts'
import { renderStates } from '../../ui/findings.ts'
import { isNarrow } from '../../ui/terminal.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { hereOf } from '../registries.ts'
import { gatherFound } from '../secrets.ts'
import { thisMachine, withReachable } from '../servers.ts'

/** Looks at all that a deploy needs, and changes nothing. What cannot be looked at is said, and stops nothing. */
export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const { servers, services } = selectFrom(config, context)
  const credentials = credentialsOf(config)
  const { secrets, missing } = await gatherFound(context, config, [config.ssh, ...servers, ...credentials])
  const locked = servers.filter(server => whyLocked(config, server, missing))
  const open = { services, servers: servers.filter(server => !locked.includes(server)) }
  const provable = services.filter(service => {
    const image = service.image ?? builtName(config, service)
    const credential = credentialFor(config, image, service.registry)
    return !credential || !missing.has(credential)
  })
  const from = { config, secrets, services: provable }

  const { output, signal } = context
  const [ofHere, checks, ofServers] = await Promise.all([
    examineThisMachine(config, services, thisMachine(context), signal),
    verifyAt(hereOf(context, config), needsHere(from), signal),
    withReachable(context, config, secrets, open.servers, fleet => {
      for (const server of fleet.runners.keys()) output.event({ step: 'verify', state: 'begun', server })
      return examineServers(
        { config, selected: open, needsOn: name => needsOn(name, from), lookup: addressesOf, turns: slots(1), signal },
        fleet,
      )
    }),
  ])
  show(context, [
    ...ofHere,
    ...registryFindings(checks),
    ...credentials.flatMap(one => findingsAt('here', { registry: unproved(one.key, missing.get(one)) })),
    ...ofServers,
    ...locked.flatMap(one => findingsAt(one.name, { ssh: unreached(whyLocked(config, one, missing)) })),
  ])
}

type Missing = ReadonlyMap<unknown, JijiError>

/** Why there is no key for a server, where one is needed. */
function whyLocked({ ssh }: Config, server: Server, missing: Missing): JijiError | undefined {
  if (server.host === 'local') return undefined
  return missing.get(server) ?? (server.keys ? undefined : missing.get(ssh))
}

function unreached(error: JijiError | undefined): Verdict | undefined {
  const { message, hint } = wordsOf(error)
  return error && problem(error.code, 'no-key', `there is no key to log in with: ${message}`, hint)
}

function unproved(key: string, error: JijiError | undefined): Verdict | undefined {
  const { message, hint } = wordsOf(error)
  return error && unknown('no-secret', `${key}: ${message}`, hint)
}

function wordsOf(error: JijiError | undefined): { message: string; hint: string } {
  const [first] = error instanceof InvalidConfig ? error.problems : []
  const { message = '', hint } = first ?? error ?? {}
  return { message, hint: hint ?? 'set it, or take it out of the configuration' }
}

async function addressesOf(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}

function show({ output }: Context, findings: readonly Finding[]): void {
  if (output.style.json) {
    output.json({ schemaVersion: 1, checks: findings })
  } else {
    if (isNarrow(output.columns)) output.result(renderStates(findings))
    else
      output.table(
        ['place', 'check', 'state', 'seen'],
        findings.map(({ place, check, state, message }) => [place, check, state, message]),
      )
    for (const one of gathered(findings)) output.result(`\n${renderFound(one)}`)
  }
  const failure = failureOf(findings)
  if (failure) throw failure
}

/** What is not ok, the gravest first, each thing once for all places that share it. */
function gathered(findings: readonly Finding[]): { places: string[]; message: string; hint: string }[] {
  const order = ['problem', 'warning', 'unknown']
  const found = new Map<string, { places: string[]; message: string; hint: string }>()
  for (const state of order) {
    for (const { place, check, message, hint = '' } of findings.filter(one => one.state === state)) {
      const key = `${check} ${message} ${hint}`
      const known = found.get(key) ?? { places: [], message: `${check}: ${message}`, hint }
      if (!known.places.includes(place)) known.places.push(place)
      found.set(key, known)
    }
  }
  return [...found.values()]
}
