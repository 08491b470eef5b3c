import type { Config, Server } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import { clientOfLocal } from '../../registry/local/client.ts'
import type { Place } from '../../registry/places.ts'
import type { Need } from '../../registry/verify/needs.ts'
import { verifyAt } from '../../registry/verify/proof.ts'
import type { Fleet } from '../../runner/fleet.ts'
import { canTunnel, type Runner } from '../../runner/runner.ts'
import type { Slots } from '../../runner/slots.ts'
import { examine } from '../../shell/doctor.ts'
import { builderArch } from '../builder-arch.ts'
import { judgeUser } from './access.ts'
import { ask } from './ask.ts'
import { judgeClock } from './clock.ts'
import { judgeDisk } from './disk.ts'
import { judgeDns, type Lookup, nameIn, type Route, routesOf } from './dns.ts'
import { judgeArch, judgeEngine } from './engine.ts'
import { type Finding, findingsAt, ok, problemOf } from './finding.ts'
import { judgeLoopback } from './loopback.ts'
import { judgeMemory } from './memory.ts'
import { type Names, resolveNames } from './names.ts'
import { judgePorts } from './ports.ts'
import { judgeProxy } from './proxy.ts'
import { registryFindings } from './registry.ts'
import { checkSessions } from './sessions.ts'
import { type Checked, checkTunnel } from './tunnel.ts'

export type DoctorContext = {
  config: Config
  selected: Selected
  /** What each server pulls with credentials that are there. */
  needsOn: (server: string) => readonly Need[]
  lookup: Lookup
  /** One at a time: what is measured at once would share the way to the servers. */
  turns: Slots
  signal: AbortSignal
}

type Asked = Awaited<ReturnType<typeof ask>> & { server: Server; runner: Runner }
type Failed = { server: Server; error: JijiError }

/** All servers at once. One that cannot be reached, or is lost meanwhile, is a finding as well. */
export async function examineServers(context: DoctorContext, { runners, failures }: Fleet): Promise<Finding[]> {
  const { config, selected, signal } = context
  const all = await Promise.all(
    selected.servers.map(async (server): Promise<Asked | Failed> => {
      const runner = runners.get(server.name)
      const failure = failures.find(one => one.server === server.name)
      if (!runner) return { server, error: failure ?? new JijiError('server.unreachable', 'it was not reached') }
      return unlessLost(server, async () => ({
        server,
        runner,
        ...(await ask(runner, examine(server.engine, config.scope, namesOn(config, server)), signal)),
      }))
    }),
  )
  const asked = all.filter((one): one is Asked => !('error' in one))
  const names = await resolveNames(config, asked, context.lookup)
  const findings = all.map(async one => {
    if ('error' in one) return findingsOfLost(one)
    const found = await unlessLost(one.server, () => judgeServer(context, one, names))
    return 'error' in found ? findingsOfLost(found) : found
  })
  return (await Promise.all(findings)).flat()
}

async function unlessLost<T>(server: Server, work: () => Promise<T>): Promise<T | Failed> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof JijiError && error.code.startsWith('server.')) return { server, error }
    throw error
  }
}

function findingsOfLost({ server, error }: Failed): Finding[] {
  return findingsAt(server.name, { ssh: problemOf(error) })
}

async function judgeServer(context: DoctorContext, asked: Asked, names: Names): Promise<Finding[]> {
  const { config, selected, signal } = context
  const { server, runner, answers } = asked
  const { name, engine } = server
  const own = selected.services.filter(({ servers }) => servers.includes(name))
  const isRouting = own.some(({ proxy }) => proxy)
  const isBuilt = own.some(({ build }) => build)
  const built = config.builder.remote ? undefined : builderArch
  const sessions = canTunnel(runner) ? await checkSessions(runner, signal) : undefined
  const tunnel = await tunnelOf(context, asked, isBuilt)
  const isHere = !canTunnel(runner)
  const place: Place = { name, engine, runner }
  return [
    ...findingsAt(name, {
      ssh: ok(isHere ? 'it is this machine' : `reached at ${runner.address.host}`),
      user: judgeUser(engine, answers),
      engine: judgeEngine(runner, engine, answers),
      arch: isBuilt ? judgeArch(answers, { server: name, arch: server.arch, built }) : undefined,
      disk: judgeDisk(answers),
      clock: judgeClock(answers, asked),
      memory: judgeMemory(answers),
      loopback: judgeLoopback(answers),
      sessions,
      ports: isRouting ? judgePorts(config.proxy, answers) : undefined,
      proxy: isRouting ? judgeProxy(config.proxy, engine, answers) : undefined,
      dns: routesOn(config, server).map(route => judgeDns(name, route, { ...names, there: answers.resolved, isHere })),
      ...tunnel,
    }),
    ...registryFindings(await verifyAt(place, context.needsOn(name), signal)),
  ]
}

function routesOn(config: Config, { name }: Server): Route[] {
  return routesOf(config).filter(({ servers }) => servers.includes(name))
}

function namesOn(config: Config, server: Server): string[] {
  return routesOn(config, server).map(({ host }) => nameIn(host))
}

/** Only images that are built here, for a registry that is here, need one. */
async function tunnelOf(
  { config, turns, signal }: DoctorContext,
  { runner, answers }: Asked,
  isBuilt: boolean,
): Promise<Partial<Checked>> {
  const { registry } = config.builder
  if (registry.type !== 'local' || !isBuilt || !canTunnel(runner)) return {}
  const client = clientOfLocal(registry.port, signal)
  try {
    return await checkTunnel(runner, registry.port, answers, { isRegistryThere: await client.answers(), turns, signal })
  } finally {
    client.close()
  }
}
