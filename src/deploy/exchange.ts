import type { Config } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import { askDetour, exchangeProxy } from '../shell/exchange.ts'
import { settled } from './failure.ts'
import { limits } from './limits.ts'
import type { ExchangePlan, ServerExchange } from './plan/exchange.ts'
import { runTending, type Tending } from './tending.ts'

/** Servers on which a proxy can be replaced without a gap. */
export async function findDetours(
  { servers }: Config,
  runners: ReadonlyMap<string, Runner>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const asked = servers.map(async ({ name, engine }) => {
    const output = await runners.get(name)?.run(askDetour(engine), { signal, timeout: limits.ask })
    return output?.stdout.includes('detour yes') ? [name] : []
  })
  return new Set((await settled(asked)).flat())
}

/**
 * Replaces proxies: the first server's alone, then the others together.
 * @returns the servers where nothing was to be done
 */
export async function exchangeAll(tending: Tending, plan: ExchangePlan): Promise<string[]> {
  const [first, ...others] = plan.servers
  if (!first) return []
  const one = await exchange(tending, plan, first)
  return [one, ...(await settled(others.map(server => exchange(tending, plan, server))))].flat()
}

async function exchange(tending: Tending, { action }: ExchangePlan, one: ServerExchange): Promise<string[]> {
  const { config, report } = tending
  const { server, engine, from, to, hasGap } = one
  const tell = (detail: string) => report({ step: 'proxy', state: 'done', server, detail })
  const said = await runTending(tending, one, {
    deed: { action },
    script: exchangeProxy(engine, {
      settings: to,
      before: from,
      drainTimeout: config.deploy.drain_timeout,
      isForced: action === 'proxy restart',
      isPulled: action === 'proxy upgrade',
      mayGap: hasGap,
    }),
    timeout: limits.proxy + 2 * config.deploy.drain_timeout,
    onLine: (line, stream) => {
      if (stream !== 'stdout') return
      const [word = ''] = line.split(' ')
      if (word === 'unpulled') tell(`the image that is there: it could not be pulled: ${line.slice(word.length + 1)}`)
      const told = stories[word]
      if (told) tell(told)
    },
    explain: output => failureOf(one, output),
  })
  return said.includes('already\n') ? [server] : []
}

const stories: Readonly<Record<string, string>> = {
  already: 'runs as it should',
  interim: 'an interim one takes new connections',
  undrained: 'requests were still running when the time to drain was over',
  exchanged: 'the new one serves',
}

function failureOf({ server, from, to }: ServerExchange, { code, stderr }: { code: number; stderr: string }) {
  if (code === exits.noDetour)
    return new JijiError('engine.failed', `${server}: new connections cannot be led past the proxy any more`, {
      server,
      hint: 'iptables refused a rule there; nothing has changed',
    })
  if (code !== exits.notStarted) return undefined
  const isMoved = from.http_port !== to.http_port || from.https_port !== to.https_port
  const ports = `is port ${to.http_port} or ${to.https_port} taken there? (sudo ss -ltnp); `
  return new JijiError('engine.failed', `${server}: the new proxy did not start: ${lastLine(stderr)}`, {
    server,
    ...(stderr.trim().includes('\n') ? { output: stderr } : {}),
    hint: `${isMoved ? ports : ''}the one before serves`,
  })
}
