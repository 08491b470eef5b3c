import type { Settings } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { exits } from '../shell/engine.ts'
import { requireLock } from '../shell/lock.ts'
import { createProxy, restoreSite, writeSite } from '../shell/proxy.ts'
import { lines, sh } from '../shell/script.ts'
import type { ApplyContext } from './apply-context.ts'
import { reported } from './event.ts'
import { lockLost, settled } from './failure.ts'
import { limits } from './limits.ts'
import { runnerOf } from './losses.ts'
import type { Plan, ServerPlan } from './plan/plan.ts'

/**
 * Starts the proxies that are missing, and writes routes that are to change.
 * @throws JijiError engine.failed
 */
export async function prepareProxies(context: ApplyContext, plan: Plan): Promise<undefined> {
  await settled(plan.servers.map(server => prepareProxy(context, server)))
}

/** Both in one execution. */
async function prepareProxy(context: ApplyContext, { server, engine, proxy, site }: ServerPlan): Promise<void> {
  const { config, owner, report, signal } = context
  const { image } = config.proxy
  const starts = proxy === 'start'
  if (!starts && !site) return
  const script = lines(
    requireLock(config.scope, owner),
    ...(starts ? [createProxy(engine, config.proxy), sh`echo started`] : []),
    ...(site ? [writeSite(engine, site)] : []),
  )
  const detail = [...(starts ? [image] : []), ...(site ? [`routes ${site.hosts.join(', ')}`] : [])].join(', ')
  await reported(report, { step: 'proxy', server, detail }, async () => {
    const timeout = starts ? limits.proxy : limits.ask
    const output = await runnerOf(context, server).run(script, { signal, timeout })
    if (output.code === 0) return
    const isRunning = !starts || /^started$/m.test(output.stdout)
    if (output.code === exits.lockLost)
      throw lockLost(server, isRunning ? 'the routes were left as they are' : 'the proxy was not started')
    if (!isRunning) throw proxyNotStarted(server, config.proxy, output.stderr)
    throw new JijiError('engine.failed', `${server}: the proxy refuses the routes`, { server, output: output.stderr })
  })
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

/** The routes of the release before; where they cannot be restored the next deploy writes them anew. */
export async function restoreRoutes(context: ApplyContext, servers: readonly ServerPlan[]): Promise<void> {
  await Promise.allSettled(
    servers.map(async ({ server, engine, site }) => {
      if (!site) return
      const script = lines(requireLock(context.config.scope, context.owner), restoreSite(engine, site))
      await runnerOf(context, server).run(script, { timeout: limits.ask })
    }),
  )
}
