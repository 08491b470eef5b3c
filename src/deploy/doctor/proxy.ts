import type { Engine, Settings } from '../../config/config.ts'
import { proxyContainer } from '../../shell/names.ts'
import { proxyLabel } from '../../shell/proxy.ts'
import type { Answers } from './answers.ts'
import { ok, problem, type Verdict } from './finding.ts'

/** The proxy of a server that has routes. A deploy starts one that is missing or stopped, and takes no other. */
export function judgeProxy(
  wanted: Settings['proxy'],
  engine: Engine,
  { proxy, engine: answer }: Answers,
): Verdict | undefined {
  if (answer?.status !== 0) return undefined
  if (!proxy) return ok('not there yet: a deploy starts it')
  const { state, label, version } = proxy
  if (label !== proxyLabel(wanted))
    return problem(
      'port.taken',
      'proxy-differs',
      `it runs with other settings: ${label} instead of ${proxyLabel(wanted)}`,
      'the proxy is shared by all projects on a server: give `proxy` the same image and ports in each of them',
    )
  if (state !== 'running')
    return problem(
      'engine.failed',
      'proxy-stopped',
      `it does not run (${state}), and so no route is served`,
      `${engine} logs ${proxyContainer} says why; ${engine} start ${proxyContainer} starts it, as a deploy does`,
    )
  return ok(['runs', ...(version ? [`Caddy ${version.replace(/^v/, '')}`] : []), wanted.image].join(', '))
}
