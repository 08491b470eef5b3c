import type { Config, Server } from '../../config/config.ts'
import type { Path } from '../../config/document.ts'
import { publishedPort } from '../../config/port-rules.ts'
import { JijiError } from '../../errors.ts'
import type { Fleet } from '../../runner/fleet.ts'
import type { Runner } from '../../runner/runner.ts'
import { examine } from '../../shell/doctor.ts'
import { readProxy } from '../../shell/proxy.ts'
import { sh } from '../../shell/script.ts'
import { builderArch } from '../builder-arch.ts'
import { judgeUser } from '../doctor/access.ts'
import type { Answers } from '../doctor/answers.ts'
import { ask } from '../doctor/ask.ts'
import { judgeDns, type Lookup, nameIn } from '../doctor/dns.ts'
import { judgeArch, judgeEngine } from '../doctor/engine.ts'
import { holderOf } from '../doctor/listeners.ts'
import { type Names, resolveNames } from '../doctor/names.ts'
import { judgePorts } from '../doctor/ports.ts'
import { judgeProxy } from '../doctor/proxy.ts'
import { sitesIn } from '../observe.ts'
import { type Found, foundAt, foundFailure } from './found.ts'

type Context = { config: Config; servers: readonly Server[]; lookup: Lookup; signal: AbortSignal }
type Asked = { server: Server; runner: Runner; answers: Answers; said: string }

/**
 * Whether servers are what the configuration says of them, and have room for what it wants: all of them asked at once,
 * once each. One that cannot be reached is one finding.
 */
export async function askServers(context: Context, { runners, failures }: Fleet): Promise<Found[]> {
  const all = await Promise.all(
    context.servers.map(async (server): Promise<Asked | Found[]> => {
      const runner = runners.get(server.name)
      if (runner) return askServer(context, server, runner)
      return failures.filter(one => one.server === server.name).map(error => foundFailure(hostOf(server), error))
    }),
  )
  const asked = all.filter((one): one is Asked => !Array.isArray(one))
  const names = await resolveNames(context.config, asked, context.lookup)
  return all.flatMap(one => (Array.isArray(one) ? one : judge(context.config, one, names)))
}

async function askServer({ config, signal }: Context, server: Server, runner: Runner): Promise<Asked | Found[]> {
  const { engine } = server
  const hosts = routesOn(config, server).map(({ host }) => nameIn(host))
  const script = sh`${examine(engine, config.scope, hosts)}
${readProxy(engine)} 2>/dev/null
:`
  try {
    const { answers, said } = await ask(runner, script, signal)
    return { server, runner, answers, said: said.join('\n') }
  } catch (error) {
    if (!(error instanceof JijiError) || !error.code.startsWith('server.')) throw error
    return [foundFailure(hostOf(server), error)]
  }
}

function hostOf({ name }: Server): Path {
  return ['servers', name, 'host']
}

function judge(config: Config, { server, runner, answers, said }: Asked, names: Names): Found[] {
  const { name, engine } = server
  const own = config.services.filter(({ servers }) => servers.includes(name))
  const path = ['servers', name]
  const engineFound = foundAt([...path, 'engine'], judgeEngine(runner, engine, answers), 'server', name)
  // What an engine that does not answer has not said is no finding.
  if (engineFound.length > 0) return engineFound
  const isRouting = own.some(({ proxy }) => proxy)
  const built = config.builder.remote ? undefined : builderArch
  const arch = own.some(({ build }) => build)
    ? judgeArch(answers, { server: name, arch: server.arch, built })
    : undefined
  return [
    ...foundAt([...path, 'user'], judgeUser(engine, answers), 'server', name),
    ...foundAt([...path, 'arch'], arch, 'server', name),
    ...(isRouting ? foundAt(hostOf(server), judgePorts(config.proxy, answers), 'server', name) : []),
    ...(isRouting ? foundAt(hostOf(server), judgeProxy(config.proxy, engine, answers), 'server', name) : []),
    ...portsTaken(config, server, answers),
    ...routesTaken(config, server, said),
    ...routesOn(config, server).flatMap(route =>
      foundAt(route.path, asWarning(judgeDns(name, route, { ...names, there: answers.resolved })), 'dns'),
    ),
  ]
}

/** Whether a name resolves may change until the deploy. */
function asWarning(verdict: ReturnType<typeof judgeDns>): ReturnType<typeof judgeDns> {
  return verdict.state === 'problem' ? { ...verdict, state: 'warning' } : verdict
}

type Route = { host: string; ssl: boolean; servers: readonly string[]; path: Path }

/** The host names that lead to a server, each where it is written first. */
function routesOn({ services }: Config, { name }: Server): Route[] {
  const routes = services
    .filter(({ servers }) => servers.includes(name))
    .flatMap(({ name: service, servers, proxy }) =>
      (proxy?.targets ?? []).flatMap((target, index, all) =>
        (['hosts', 'redirect_from'] as const).flatMap(key =>
          target[key].map((host, position) => {
            const at = all.length > 1 ? ['targets', index] : []
            const path = ['services', service, 'proxy', ...at, key, position]
            return { host: host.toLowerCase(), ssl: target.ssl === true, servers, path }
          }),
        ),
      ),
    )
  return [...new Map(routes.toReversed().map(route => [route.host, route])).values()].toReversed()
}

/** A port of the server that a service is to have, and something else has: what is ours gives way to it. */
function portsTaken({ services, scope }: Config, { name }: Server, { listeners, published }: Answers): Found[] {
  return services
    .filter(({ servers }) => servers.includes(name))
    .flatMap(({ name: service, ports }) =>
      ports.flatMap((written, index): Found[] => {
        const wanted = publishedPort(written)
        if (wanted?.protocol !== 'tcp') return []
        const holder = holderOf(wanted.port, listeners ?? [], published)
        if (holder === undefined || holder.startsWith(`the container ${scope}-${service}-`)) return []
        const message = `${name}: port ${wanted.port} is taken by ${holder}`
        const path = ['services', service, 'ports', index]
        return [{ path, isWarning: false, code: 'port.taken', message, hint: 'stop what has it, or name another port' }]
      }),
    )
}

function routesTaken(config: Config, server: Server, said: string): Found[] {
  const others = sitesIn(said).filter(({ project }) => project !== config.scope)
  return routesOn(config, server).flatMap(({ host, path }): Found[] => {
    const owner = others.find(({ hosts }) => hosts.includes(host))
    if (!owner) return []
    const message = `${server.name}: ${host} belongs to the project ${owner.project} there`
    const hint = 'remove the host name from one of the two, or take the other project away'
    return [{ path, isWarning: false, code: 'route.taken', message, hint }]
  })
}
