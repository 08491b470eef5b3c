import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config, Server } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Selected } from '../config/select.ts'
import { askBuilder, type Builders, builderHere } from '../deploy/builder.ts'
import { together } from '../deploy/failure.ts'
import { limits } from '../deploy/limits.ts'
import { JijiError } from '../errors.ts'
import { connectFleet, connectPlace, type Fleet, type FleetOptions, type Place, withFleet } from '../runner/fleet.ts'
import { localRunner } from '../runner/local.ts'
import type { Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'
import { traced } from './traced.ts'

/** The machines that a command works on, while it does. */

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
