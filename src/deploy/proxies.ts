import type { Settings } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import type { Output } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import { requireLock } from '../shell/lock.ts'
import { createProxy, writeSite } from '../shell/proxy.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { Site } from '../shell/site.ts'
import type { ApplyContext } from './apply-context.ts'
import { reported } from './event.ts'
import { lockLost, settled } from './failure.ts'
import { limits } from './limits.ts'
import { runnerOf } from './losses.ts'
import type { Plan, ServerPlan } from './plan/plan.ts'

/**
 * Starts the proxies that are missing. Their routes go along, since nothing is led anywhere there yet.
 * @throws JijiError engine.failed
 */
export async function startProxies(context: ApplyContext, plan: Plan): Promise<undefined> {
  const missing = plan.servers.filter(({ proxy }) => proxy === 'start')
  await settled(missing.map(server => startProxy(context, server)))
}

async function startProxy(context: ApplyContext, { server, engine, site }: ServerPlan): Promise<void> {
  const { config } = context
  const script = lines(createProxy(engine, config.proxy), sh`echo started`, ...(site ? [writeSite(engine, site)] : []))
  const detail = [config.proxy.image, ...(site ? [routesIn(site)] : [])].join(', ')
  await tellProxy(context, server, { script, detail, timeout: limits.proxy }, ({ code, stdout, stderr }) => {
    if (/^started$/m.test(stdout)) return routesRefused(server, code, stderr)
    return code === exits.lockLost
      ? lockLost(server, 'the proxy was not started')
      : proxyNotStarted(server, config.proxy, stderr)
  })
}

/**
 * Writes routes on a server.
 * @throws JijiError engine.failed where the proxy refuses them
 */
export async function writeRoutes(
  context: ApplyContext,
  { server, engine }: Pick<ServerPlan, 'server' | 'engine'>,
  site: Site,
  how: Parameters<typeof writeSite>[2] = {},
): Promise<void> {
  const work = { script: writeSite(engine, site, how), detail: routesIn(site), timeout: limits.ask }
  await tellProxy(context, server, work, ({ code, stderr }) => routesRefused(server, code, stderr))
}

async function tellProxy(
  context: ApplyContext,
  server: string,
  { script, detail, timeout }: { script: Script; detail: string; timeout: number },
  explain: (output: Output) => JijiError,
): Promise<void> {
  const { config, owner, report, signal } = context
  const all = lines(requireLock(config.scope, owner), script)
  await reported(report, { step: 'proxy', server, detail }, async () => {
    const output = await runnerOf(context, server).run(all, { signal, timeout })
    if (output.code !== 0) throw explain(output)
  })
}

function routesIn({ hosts }: Site): string {
  return `routes ${hosts.join(', ')}`
}

function routesRefused(server: string, code: number, output: string): JijiError {
  if (code === exits.lockLost) return lockLost(server, 'the routes were left as they are')
  return new JijiError('engine.failed', `${server}: the proxy refuses the routes`, { server, output })
}

export function proxyNotStarted(
  server: string,
  { http_port, https_port }: Settings['proxy'],
  stderr: string,
): JijiError {
  return new JijiError('engine.failed', `${server}: the proxy could not be started: ${lastLine(stderr)}`, {
    server,
    hint: `is port ${http_port} or ${https_port} taken there? (sudo ss -ltnp) proxy.http_port and proxy.https_port name others`,
  })
}
