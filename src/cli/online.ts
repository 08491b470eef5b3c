import { lookup } from 'node:dns/promises'
import { type Config, credentialsOf, type Service } from '../config/config.ts'
import { byPosition, type Problem } from '../config/problem.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Selected } from '../config/select.ts'
import { examineThisMachine } from '../deploy/doctor/here.ts'
import { eachOnce, type Found, foundAt, foundFailure } from '../deploy/online/found.ts'
import { foundInChecks } from '../deploy/online/registries.ts'
import { askServers } from '../deploy/online/servers.ts'
import { type ErrorCode, JijiError } from '../errors.ts'
import { credentialFor } from '../registry/credentials.ts'
import { builtName, type Need, needsHere, needsOn } from '../registry/verify/needs.ts'
import { type Check, verifyAt } from '../registry/verify/proof.ts'
import type { Context } from './context.ts'
import { hereOf } from './registries.ts'
import { gatherFound } from './secrets.ts'
import { type Look, thisMachine, withBuilders, withReachable } from './servers.ts'

export type World = { problems: Problem[]; warnings: Problem[]; code: ErrorCode | undefined }

/**
 * Asks the world whether this configuration would work: servers, registries, name servers. Nothing is changed, here or
 * there, and nothing is built. Secrets that are missing leave out what needs them.
 */
export async function askWorld(
  context: Context,
  config: Config,
  selected: Selected,
  all: Secrets | undefined,
): Promise<World> {
  const { secrets, missing, isReachable } = await secretsFound(context, config, selected, all)
  const services = selected.services.filter(service => {
    const credential = credentialFor(config, service.image ?? builtName(config, service), service.registry)
    return !credential || !missing.has(credential)
  })
  const from = { config, secrets, services }
  const news: Found[] = []
  const look: Look = { forgets: true, warn: (message, server) => news.push(aboutServer(config, message, server)) }
  const found = await Promise.all([
    verifyAt(hereOf(context, config), needsHere(from), context.signal).then(checks => foundInChecks(config, checks)),
    builders(context, config, selected, secrets, look),
    isReachable ? servers(context, config, selected, secrets, name => needsOn(name, from), look) : [],
  ])
  return asWorld(config, eachOnce([...found.flat(), ...news]))
}

/** All of them, or those that are there; without a key no server can be reached, which is said where it is named. */
async function secretsFound(context: Context, config: Config, { servers }: Selected, all: Secrets | undefined) {
  if (all) return { secrets: all, missing: new Map<unknown, JijiError>(), isReachable: true }
  const keys = [config.ssh, ...servers]
  const { secrets, missing } = await gatherFound<unknown>(context, config, [...keys, ...credentialsOf(config)])
  return { secrets, missing, isReachable: keys.every(one => !missing.has(one)) }
}

function servers(
  context: Context,
  config: Config,
  { servers, services }: Selected,
  secrets: Secrets,
  needsOf: (server: string) => readonly Need[],
  look: Look,
): Promise<Found[]> {
  const { signal } = context
  // Host names may lead to any server of a service, be it asked or not.
  const isMeant = ({ name }: Service) => services.some(one => one.name === name)
  const whole = { ...config, services: config.services.filter(isMeant) }
  return withReachable(
    context,
    config,
    secrets,
    servers,
    async fleet => {
      const checks = servers.map(async ({ name, engine }): Promise<Check[]> => {
        const runner = fleet.runners.get(name)
        return runner ? verifyAt({ name, engine, runner }, needsOf(name), signal) : []
      })
      const [found, ...checked] = await Promise.all([
        askServers({ config: whole, servers, lookup: addressesOf, signal }, fleet),
        ...checks,
      ])
      return [...found, ...foundInChecks(config, checked.flat())]
    },
    look,
  )
}

/** Whether what is to be built can be: here, or on the machines that are named for it. */
async function builders(
  context: Context,
  config: Config,
  selected: Selected,
  secrets: Secrets,
  look: Look,
): Promise<Found[]> {
  if (!selected.services.some(({ build }) => build)) return []
  const elsewhere = withBuilders(context, config, secrets, selected, async () => [], look).catch(
    (error: unknown): Found[] => {
      if (!(error instanceof JijiError) || context.signal.aborted) throw error
      return [foundFailure(['builder', 'remote'], error)]
    },
  )
  if (config.builder.remote) return elsewhere
  const here = await examineThisMachine(config, selected.services, thisMachine(context), context.signal)
  const paths: Readonly<Record<string, string[]>> = {
    engine: ['builder', 'engine'],
    build: ['builder', 'engine'],
    registry: ['builder', 'registry'],
  }
  const found = here.flatMap(({ check, place: _, ...verdict }) => {
    const path = paths[check]
    return path ? foundAt(path, verdict, 'server', 'here') : []
  })
  return [...found, ...(await elsewhere)]
}

function aboutServer(config: Config, message: string, server: string): Found {
  const isServer = config.servers.some(({ name }) => name === server)
  const path = isServer ? ['servers', server, 'host'] : ['builder', 'remote']
  if (!message.includes('is not known yet')) return { path, isWarning: true, code: 'server', message }
  const hint =
    'the first command that connects records it in known_hosts; compare it with the server itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub'
  return { path, isWarning: true, code: 'host-key', message, hint }
}

async function addressesOf(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}

function asWorld(config: Config, found: readonly Found[]): World {
  const problemsOf = (isWarning: boolean) =>
    found
      .filter(one => one.isWarning === isWarning)
      .map(({ path, isWarning: _, ...said }): Problem => ({ ...config.locate(path), path: path.join('.'), ...said }))
      .sort(byPosition)
  const problems = problemsOf(false)
  return { problems, warnings: problemsOf(true), code: worstOf(problems) }
}

/** A server that cannot be reached first, then a credential that is refused, then all else. */
function worstOf(problems: readonly Problem[]): ErrorCode | undefined {
  const codes = problems.map(({ code }) => code as ErrorCode)
  return codes.find(code => code.startsWith('server.')) ?? codes.find(code => code === 'registry.refused') ?? codes[0]
}
