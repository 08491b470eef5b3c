import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, credentialsOf, type Server, type Service } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import type { Secret } from '../config/secret.ts'
import { findSecrets, resolveSecrets, Secrets } from '../config/secrets.ts'
import { type Selected, select } from '../config/select.ts'
import { networkOwner, withSharers } from '../config/shared-network.ts'
import { cacheTokens } from '../deploy/build-cache.ts'
import { askBuilder, type Builders, builderHere } from '../deploy/builder.ts'
import { together } from '../deploy/failure.ts'
import { limits } from '../deploy/limits.ts'
import type { ReplacementPlan } from '../deploy/plan/plan.ts'
import { JijiError } from '../errors.ts'
import { credentialFor } from '../registry/credentials.ts'
import { connectFleet, connectPlace, type Fleet, type FleetOptions, type Place, withFleet } from '../runner/fleet.ts'
import { localRunner } from '../runner/local.ts'
import type { Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'
import { runSecretCommand } from './secret-command.ts'
import { traced } from './traced.ts'

/** What commands have in common before they begin: the configuration, its secrets, the servers. */

export function loadProject({ options, output, directory }: Context): Config {
  const config = loadConfig({ directory, file: options.text('config'), environment: options.text('environment') })
  // Other warnings are for those who check a configuration, or are about to use it.
  for (const warning of config.warnings.filter(({ code }) => code === 'literal-secret')) output.warn(warning)
  return config
}

/** For commands that also work outside of a project; a file that is asked for by name must be there. */
export function loadProjectIfThere(context: Context): Config | undefined {
  try {
    return loadProject(context)
  } catch (error) {
    const isMissing = error instanceof JijiError && error.code === 'config.missing'
    if (isMissing && !context.options.text('config') && !context.options.text('environment')) return undefined
    throw error
  }
}

export function selectFrom(config: Config, { options }: Context): Selected {
  return select(config, { hosts: options.list('hosts'), services: options.list('services') })
}

/** The same for what gets new containers, with what shares the network of those. */
export function selectWithSharers(
  config: Config,
  { options, output }: Context,
  services: readonly string[] | undefined = options.list('services'),
): Selected {
  const selected = select(config, { hosts: options.list('hosts'), services })
  const all = withSharers(config, selected)
  const isAdded = ({ name }: Service) => !selected.services.some(one => one.name === name)
  for (const one of all.services.filter(isAdded))
    output.note(`${one.name} goes with ${networkOwner(one)}, whose network it shares`)
  return all
}

/**
 * The secrets that `parts` of the configuration need. From then on nothing that is printed contains them, nor any other
 * secret of this configuration that can be found: what a container writes may hold those too.
 */
export async function gatherSecrets(context: Context, config: Config, parts: unknown): Promise<Secrets> {
  const { options, output } = context
  const environment = options.flag('no-host-env') ? undefined : context.environment
  output.hide(findSecrets(config, environment))
  const secrets = await resolveSecrets(config, parts, {
    environment,
    runCommand: command => runSecretCommand(thisMachine(context), command, context.signal),
  })
  output.hide(secrets.all)
  output.beginLog(config.scope)
  // What is started from now on (engines, ssh) has no need of them, and an environment can be read in /proc.
  context.forget(credentialsOf(config).flatMap(({ secret }) => (secret.isName ? secret.text : [])))
  return secrets
}

/** What lets us in to these servers, for commands that need no other secret. */
export function gatherKeys(context: Context, config: Config, servers: readonly Server[]): Promise<Secrets> {
  return gatherSecrets(context, config, keysOf(config, servers))
}

/** This machine needs none, and a server's own stand for those of all. */
export function keysOf({ ssh }: Config, servers: readonly Server[]): unknown[] {
  return servers.filter(({ host }) => host !== 'local').map(({ keys }) => keys ?? ssh.keys)
}

/** What a new release of these services needs: the routes of all are one file, which has all certificates. */
export function partsOf(config: Config, { servers, services }: Selected): unknown[] {
  const keys = [keysOf(config, servers), builderKeysOf(config, services)]
  return [...keys, credentialsOf(config), services, config.services.map(({ proxy }) => proxy)]
}

/** What lets us in to machines that build, where there are such and something is to be built. */
export function builderKeysOf({ builder, ssh }: Config, services: readonly Service[]): unknown {
  const isElsewhere = builder.remote !== undefined || Object.keys(builder.remotes).length > 0
  return isElsewhere && services.some(({ build }) => build) ? ssh.keys : []
}

/** Those of the registries that these images may have to be pulled from. */
export function gatherPullSecrets(
  context: Context,
  config: Config,
  replacements: readonly ReplacementPlan[],
): Promise<Secrets> {
  const credentials = replacements.map(({ service, image }) =>
    credentialFor(config, image, config.services.find(({ name }) => name === service)?.registry),
  )
  return gatherSecrets(context, config, credentials)
}

/**
 * What lets builds reach the cache of GitHub Actions, where the configuration wants that.
 * @throws JijiError build.failed
 */
export function gatherCacheTokens({ environment, output }: Context, { builder }: Config): Secret[] {
  const tokens = cacheTokens(builder, environment)
  output.hide(tokens.filter(({ name }) => name.endsWith('TOKEN')))
  return tokens
}

/** The same, where some may be missing: the secrets of those parts that have all of theirs, and why others have not. */
export async function gatherFound<T>(
  context: Context,
  config: Config,
  parts: readonly T[],
): Promise<{ secrets: Secrets; missing: Map<T, JijiError> }> {
  const missing = new Map<T, JijiError>()
  const all = await unlessMissing(context, gatherSecrets(context, config, parts))
  if (all instanceof Secrets) return { secrets: all, missing }
  let secrets = new Secrets(new Map())
  for (const part of parts) {
    const own = await unlessMissing(context, gatherSecrets(context, config, part))
    if (own instanceof Secrets) secrets = secrets.and(own)
    else missing.set(part, own)
  }
  return { secrets, missing }
}

function unlessMissing({ signal }: Context, secrets: Promise<Secrets>): Promise<Secrets | JijiError> {
  return secrets.catch(error => {
    if (error instanceof JijiError && !signal.aborted) return error
    throw error
  })
}

/** This machine. */
export function thisMachine(context: Context): Runner {
  return traced(context, localRunner('here'))
}

/** Connects to servers, and closes all connections in the end. One that cannot be reached fails the command. */
export async function withServers<T>(
  context: Context,
  config: Config,
  secrets: Secrets,
  servers: readonly Server[],
  use: (runners: Map<string, Runner>) => Promise<T>,
): Promise<T> {
  return withReachable(
    context,
    config,
    secrets,
    servers,
    ({ runners, failures }) => {
      if (failures.length > 0) throw failures.length === 1 ? failures[0] : unreachable(failures, servers.length)
      return use(runners)
    },
    { onFailure: tellAtOnce(context) },
  )
}

/** How connections are made for a look: what is worth knowing goes to somebody else, and nothing is recorded. */
export type Look = Pick<FleetOptions, 'warn' | 'forgets'>

/** Says that a server cannot be reached while others still are connected to, which can take some time. */
export function tellAtOnce({ output }: Context): (failure: JijiError) => void {
  return ({ server, message }) =>
    output.event({ step: 'connect', state: 'lost', ...(server ? { server } : {}), detail: message })
}

/** Connects to the machines that build, where that is not this one and something is to be built by them. */
export async function withBuilders<T>(
  context: Context,
  config: Config,
  secrets: Secrets,
  { services }: Selected,
  use: (builders: Builders) => Promise<T>,
  given: Look = {},
): Promise<T> {
  const { remote, remotes, engine } = config.builder
  const built = services.filter(({ build }) => build).flatMap(service => service.servers)
  const archs = new Set(config.servers.filter(({ name }) => built.includes(name)).map(({ arch }) => arch))
  const wanted = Object.entries(remotes).filter(([arch]) => archs.has(arch as Arch))
  const named = wanted.map(([arch, address]) => ({ name: `builder-${arch}`, arch, address }))
  const all = [...(remote && built.length > 0 ? [{ name: 'builder', address: remote }] : []), ...named]
  const places = all.map(({ name, address }) => placeOf(config, secrets, { name, ...address, keys: undefined }))
  const options = { signal: context.signal, warn: (text: string) => context.output.warn(text), ...given }
  return withFleet(places, options, async ({ runners, failures }) => {
    if (failures[0]) throw failures[0]
    const askOne = async (name: string) => {
      const runner = runners.get(name)
      if (!runner) throw new Error(`${name} gave no answer`)
      return askBuilder(traced(context, runner), engine, context.signal)
    }
    const [main, ...others] = await Promise.all([
      remote && built.length > 0 ? askOne('builder') : builderHere(thisMachine(context)),
      ...named.map(async ({ name, arch }) => [arch, await askOne(name)] as const),
    ])
    return use({ main, byArch: new Map(others) })
  })
}

type Arch = Server['arch']

/** Like `withServers`, for commands that have something to say about servers that cannot be reached. */
export async function withReachable<T>(
  context: Context,
  config: Config,
  secrets: Secrets,
  servers: readonly Server[],
  use: (fleet: Fleet) => Promise<T>,
  given: Look & Pick<FleetOptions, 'onFailure'> = {},
): Promise<T> {
  const places = servers.map(server => placeOf(config, secrets, server))
  context.output.expect(places.length)
  return withFleet(
    places,
    {
      signal: context.signal,
      warn: text => context.output.warn(text),
      connect: timed(context),
      ...given,
    },
    ({ runners, failures }) =>
      use({ failures, runners: new Map([...runners].map(([name, runner]) => [name, traced(context, runner)])) }),
  )
}

function timed({ output }: Context): NonNullable<FleetOptions['connect']> {
  return async (place, options) => {
    const event = { step: 'connect', server: place.server } as const
    output.event({ ...event, state: 'begun' })
    const runner = await connectPlace(place, options)
    output.event({ ...event, state: 'done' })
    return runner
  }
}

/** Connects once more to a server that was reached a moment ago; it may take some time to be there again. */
export async function connectAgain(
  context: Context,
  config: Config,
  secrets: Secrets,
  server: Server,
  patience: number = limits.reconnect,
): Promise<Runner> {
  const deadline = Date.now() + patience
  for (let attempt = 0; ; attempt++) {
    const options = { signal: context.signal, warn: (text: string) => context.output.warn(text) }
    const { runners, failures } = await connectFleet([placeOf(config, secrets, server)], options)
    const runner = runners.get(server.name)
    if (runner) return traced(context, runner)
    if (Date.now() > deadline || failures[0]?.code === 'server.host-key')
      throw failures[0] ?? new Error(`${server.name} gave no answer`)
    await sleep(Math.min(500 * 2 ** attempt, 5000), undefined, { signal: context.signal })
  }
}

/** Several failures, with the exit status of the first, whatever became of the other servers. */
export function unreachable(failures: readonly JijiError[], total: number): JijiError {
  const all = together(failures, total)
  const { output } = all
  return new JijiError(failures[0]?.code ?? 'server.unreachable', all.message, {
    cause: all,
    ...(output ? { output } : {}),
  })
}

type Reached = Pick<Server, 'name' | 'host' | 'user' | 'port' | 'keys'>

function placeOf({ ssh, root }: Config, secrets: Secrets, server: Reached): Place {
  if (server.host === 'local') return { kind: 'local', server: server.name }
  const user = server.user ?? ssh.user
  const port = server.port ?? ssh.port
  return {
    kind: 'ssh',
    server: server.name,
    host: server.host,
    keys: (server.keys ?? ssh.keys).map(reference => inRoot(root, secrets.fileOf(reference))),
    config: typeof ssh.config === 'string' ? inRoot(root, ssh.config) : ssh.config,
    strict: ssh.strict,
    ...(user ? { user } : {}),
    ...(port ? { port } : {}),
    ...(ssh.proxy ? { proxy: ssh.proxy } : {}),
  }
}

function inRoot<T>(root: string, path: T): T | string {
  return typeof path === 'string' && !path.startsWith('~') ? resolve(root, path) : path
}
