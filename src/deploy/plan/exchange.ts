import type { Config, Engine } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import { type ProxySettings, parseProxyLabel, proxyLabel } from '../../shell/proxy.ts'
import type { Observation } from '../observe.ts'
import { observationOf } from './plan.ts'
import { checkRootless } from './rootless.ts'

/** How proxies are to be replaced: data, printed by --dry-run, the question and -o json alike. */
export type ExchangePlan = {
  schemaVersion: 1
  action: 'proxy restart' | 'proxy upgrade'
  servers: readonly ServerExchange[]
}

export type ServerExchange = {
  server: string
  engine: Engine
  from: ProxySettings
  to: ProxySettings
  /** Whether nothing answers for a moment. */
  hasGap: boolean
  /** Whose routes the proxy has. */
  projects: readonly string[]
}

/**
 * A restart keeps what each proxy was started with; an upgrade gives it what is configured.
 * @param detours servers on which new connections can be led past the proxy that goes
 * @throws JijiError nothing.running, engine.denied
 */
export function planExchange(
  action: ExchangePlan['action'],
  config: Config,
  selected: Selected,
  observations: readonly Observation[],
  detours: ReadonlySet<string>,
): ExchangePlan {
  const servers = selected.servers.flatMap(server => {
    const observation = observationOf(observations, server)
    const { proxy, sites } = observation
    if (proxy === undefined) return []
    const from = parseProxyLabel(proxy)
    const to = action === 'proxy restart' ? from : config.proxy
    checkRootless(config, server, observation, [], { proxy: to === from ? 'runs' : 'start' })
    return [
      {
        server: server.name,
        engine: server.engine,
        from,
        to,
        hasGap: !detours.has(server.name),
        projects: sites.filter(({ hosts }) => hosts.length > 0).map(({ project }) => project),
      },
    ]
  })
  if (servers.length === 0)
    throw new JijiError('nothing.running', 'there is no proxy on these servers', { hint: 'a deploy starts it' })
  return { schemaVersion: 1, action, servers }
}

/** Whether a proxy gets other settings. */
export function isChanged({ from, to }: ServerExchange): boolean {
  return proxyLabel(from) !== proxyLabel(to)
}
