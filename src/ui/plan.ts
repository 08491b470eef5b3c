import type { Config } from '../config/config.ts'
import type { Plan, ServerPlan } from '../deploy/plan/plan.ts'
import { routesOf } from '../deploy/routes.ts'
import { renderMove } from './moves.ts'
import { renderTable } from './table.ts'

/** What a release is going to change. */
export function renderPlan(plan: Plan): string {
  const title =
    plan.action === 'deploy' ? `deploy ${plan.project} ${plan.version}` : `roll ${plan.project} back to ${plan.version}`
  return [
    `${title}${plan.environment ? ` (${plan.environment})` : ''}`,
    ...plan.builds.map(({ service, name }) => `  build ${service} as ${name}`),
    ...plan.servers.flatMap(server => renderServer(server, plan.version)),
  ].join('\n')
}

function renderServer(plan: ServerPlan, version: string): string[] {
  const { server, engine, proxy, site, replacements, moves = [], retire, prune } = plan
  return [
    `  ${server} (${engine})`,
    ...(proxy === 'start' ? ['    start the proxy'] : []),
    ...(site ? [site.hosts.length > 0 ? `    route ${site.hosts.join(', ')}` : '    take the routes away'] : []),
    ...replacements.flatMap(({ service, live, image }) => [
      `    ${service}: ${live ? `${live.version} -> ` : 'start '}${image}`,
      ...moves.filter(move => move.service === service).map(move => `      ${renderMove(move, version)}`),
    ]),
    ...(retire.length > 0 ? [`    stop ${retire.join(', ')}: no longer in the configuration`] : []),
    ...(prune.containers.length > 0 ? [`    remove ${prune.containers.join(', ')}`] : []),
  ]
}

/** What a release has changed: one screen, with the addresses that lead to it. */
export function renderRelease(plan: Plan, config: Config, seconds: number): string {
  const rows = plan.servers.flatMap(({ server, replacements }) =>
    replacements.map(({ service, live }) => [
      service,
      server,
      live?.version ?? '-',
      plan.version,
      addressesOf(config, service),
    ]),
  )
  const done = plan.action === 'deploy' ? 'deployed' : 'went back to'
  return `${renderTable(['service', 'server', 'before', 'now', 'address'], rows)}\n${done} ${plan.project} ${plan.version} in ${seconds.toFixed(1)} s`
}

function addressesOf(config: Config, name: string): string {
  const service = config.services.find(one => one.name === name)
  return service ? routesOf(config, service).join(' ') : ''
}
