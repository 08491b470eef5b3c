import type { Config } from '../config/config.ts'
import { isPulled, type Plan, type ReplacementPlan, type Rollout, type ServerPlan } from '../deploy/plan/plan.ts'
import { describeRound } from '../deploy/plan/rounds.ts'
import { routesOf } from '../deploy/routes.ts'
import type { Site } from '../shell/site.ts'
import { nameAlike, readable } from './alike.ts'
import { renderMove } from './moves.ts'
import { renderTime } from './report.ts'
import { renderTable, type Table } from './table.ts'
import { durationOf, placeOf, type Span, slowestOf } from './timeline.ts'

/** What a release is going to change. */
export function renderPlan(plan: Plan): string {
  const title = titles[plan.action](plan)
  return [
    `${title}${plan.environment ? ` (${plan.environment})` : ''}`,
    ...plan.builds.map(({ service, name, platforms }) => `  build ${service} as ${name}${forEach(platforms)}`),
    ...renderServers(plan),
    ...(plan.skipped ?? []).map(({ server, reason }) => `  ${server} is left out: ${reason}`),
    ...renderRollout(plan.rollout),
  ].join('\n')
}

const titles: Record<Plan['action'], (plan: Plan) => string> = {
  deploy: ({ project, version }) => `deploy ${project} ${version}`,
  rollback: ({ project, version }) => `roll ${project} back to ${version}`,
  restart: ({ project }) => `restart services of ${project}`,
  scale: ({ project }) => `scale services of ${project}`,
}

const results: Record<Plan['action'], (plan: Plan) => string> = {
  deploy: ({ project, version }) => `deployed ${project} ${version}`,
  rollback: ({ project, version }) => `went back to ${project} ${version}`,
  restart: ({ project }) => `restarted services of ${project}`,
  scale: ({ project }) => `scaled services of ${project}`,
}

function renderServers(plan: Plan): string[] {
  const said = plan.servers.map(one => ({ server: one.server, texts: [one.engine, ...renderServer(one, plan)] }))
  return nameAlike(said).flatMap(([names, [engine, ...lines]]) => [`  ${names} (${engine})`, ...lines])
}

function renderServer(plan: ServerPlan, { action, version }: Plan): string[] {
  const { seed, proxy, site, handover, replacements, moves = [], retire, prune } = plan
  return [
    ...(seed ? [`    get images from ${seed}`] : []),
    ...(proxy === 'start' ? ['    start the proxy'] : []),
    ...(site ? [renderRoutes(site)] : []),
    ...replacements.flatMap(one => [
      ...(one.hook ? [`    ${one.service}: run ${one.hook.command.join(' ')} in the new image first`] : []),
      `    ${renderReplacement(one)}`,
      ...moves.filter(move => move.service === one.service).map(move => `      ${renderMove(move, version)}`),
    ]),
    ...(handover ? [`${renderRoutes(handover.site)}, when the new containers run`] : []),
    ...(retire.length > 0 ? [`    stop ${retire.join(', ')}: ${whyRetired(action)}`] : []),
    ...(prune.containers.length > 0 ? [`    remove ${prune.containers.join(', ')}`] : []),
  ]
}

function renderRoutes({ hosts }: Site): string {
  return hosts.length > 0 ? `    route ${hosts.join(', ')}` : '    take the routes away'
}

function renderReplacement(replacement: ReplacementPlan): string {
  const { service, live, image, candidate, again, with: owner } = replacement
  const how = again?.release === undefined ? '' : isPulled(replacement) ? ', pulled and made again' : ', made again'
  return `${service}: ${live ? `${live.version}${times(live)} -> ` : 'start '}${image}${times(candidate)}${how}${owner ? `, in the network of the new ${owner}` : ''}`
}

/** Which architectures, where there are several. */
function forEach(platforms: readonly string[]): string {
  return platforms.length > 1 ? ` for ${platforms.join(' and ')}` : ''
}

function whyRetired(action: Plan['action']): string {
  return action === 'rollback' ? 'that release did not have it' : 'no longer in the configuration'
}

function renderRollout({ rounds, wait, onFailure }: Rollout): string[] {
  if (rounds.length < 2) return []
  const shown = rounds.length > 6 ? 5 : rounds.length
  const rest = rounds.length - shown
  const turns = [...rounds.slice(0, shown).map(describeRound), ...(rest > 0 ? [`${rest} more rounds`] : [])]
  const pauses = wait > 0 ? `, with ${wait / 1000} s between` : ''
  const keeps = onFailure === 'keep' ? '; a failure keeps what was switched' : ''
  return [`  in turn: ${turns.join(' | ')}${pauses}${keeps}`]
}

/** How many replicas, where it is not one. */
function times({ names }: { names: readonly string[] }): string {
  return names.length === 1 ? '' : ` x ${names.length}`
}

/** What a release has changed: one screen, with the addresses that lead to it, and what took longest. */
export function renderRelease(
  plan: Plan,
  config: Config,
  milliseconds: number,
  spans: readonly Span[] = [],
  width: number = Number.POSITIVE_INFINITY,
): string {
  const slowest = slowestOf(spans)
  const longest = slowest
    ? `; what took longest: ${placeOf(slowest)} ${slowest.step}, ${renderTime(durationOf(slowest))}`
    : ''
  return `${renderChanges(plan, config, width)}\n${renderResult(plan)} in ${renderTime(milliseconds)}${longest}`
}

/** A table, or a list where that would be cut: an address is of use only as a whole. */
function renderChanges(plan: Plan, config: Config, width: number): string {
  const { head, rows } = releaseTable(plan, config)
  const table = renderTable(head, rows)
  const isWide = table.split('\n').some(line => line.length > width)
  return isWide ? releaseTable(plan, config, true).rows.map(renderChange).join('\n') : table
}

function renderChange([service, servers, before, now, addresses = '']: readonly string[]): string {
  const change = before === '-' ? now : `${before} -> ${now}`
  return [`${service} on ${servers}: ${change}`, ...addresses.split(' ').filter(one => one)].join('\n  ')
}

export function renderResult(plan: Plan): string {
  return results[plan.action](plan)
}

/** A row for each service that was replaced on a server; where those are many, servers with the same share one. */
export function releaseTable(plan: Plan, config: Config, isShared?: boolean): Table {
  const said = plan.servers.flatMap(({ server, replacements }) =>
    replacements.map(({ service, live, candidate, again }) => ({
      server,
      texts: [
        service,
        live ? `${live.version}${times(live)}` : '-',
        `${again?.version ?? plan.version}${times(candidate)}`,
        addressesOf(config, service).join(' '),
      ],
    })),
  )
  const rows = nameAlike(said, isShared ?? said.length > readable).map(([names, [service = '', ...others]]) => [
    service,
    names,
    ...others,
  ])
  return { head: ['service', 'server', 'before', 'now', 'address'], rows }
}

/** All that lead to what was replaced. */
export function releaseAddresses({ servers }: Plan, config: Config): string[] {
  const names = new Set(servers.flatMap(({ replacements }) => replacements.map(({ service }) => service)))
  return [...new Set([...names].flatMap(name => addressesOf(config, name)))]
}

function addressesOf(config: Config, name: string): string[] {
  const service = config.services.find(one => one.name === name)
  return service ? routesOf(config, service) : []
}
