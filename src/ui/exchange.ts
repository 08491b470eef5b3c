import { type ExchangePlan, isChanged } from '../deploy/plan/exchange.ts'
import type { ProxySettings } from '../shell/proxy.ts'

/** Which proxies are replaced, and by what. */
export function renderExchange({ action, servers }: ExchangePlan): string {
  const title = action === 'proxy restart' ? 'restart the proxies' : 'upgrade the proxies'
  return [
    title,
    ...servers.flatMap(one => [
      `  ${one.server} (${one.engine})`,
      `    ${isChanged(one) ? `${render(one.from)} -> ${render(one.to)}` : render(one.to)}`,
      ...(one.hasGap ? ['    nothing answers for about a second'] : []),
      ...(one.projects.length > 0 ? [`    with the routes of ${one.projects.join(', ')}`] : []),
    ]),
  ].join('\n')
}

function render({ image, http_port, https_port }: ProxySettings): string {
  return `${image} on ${http_port} and ${https_port}`
}
