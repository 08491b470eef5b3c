import { compositionOf } from '../../registry/local/composition.ts'
import { canTunnel } from '../../runner/runner.ts'
import type { ApplyContext } from '../apply-context.ts'
import type { Pushed } from '../build.ts'
import { runnerOf } from '../losses.ts'
import type { Plan, ServerPlan } from '../plan/plan.ts'
import { builtImages, digestsOf } from '../pull.ts'
import { absentOf, type Compositions, chooseWays, type Needs, type Way } from './choose.ts'
import { findHoldings } from './holdings.ts'
import { neighbourOf, refusalsOf } from './trust.ts'

/** How servers may come by the images that are built here; without a way of its own, a server gets them from here. */
export type Proposal = {
  pushed: Pushed
  compositions: Compositions
  needs: readonly Needs[]
  ways: ReadonlyMap<string, Way>
}

/** Servers say what they have while the images are built; what pays is known when those are pushed. */
export async function proposeWays(
  context: ApplyContext,
  plan: Plan,
  pushing: () => Promise<Pushed>,
): Promise<Proposal> {
  const servers = serversThatMayShare(context, plan)
  const asking = findHoldings(context, servers)
  const pushed = await pushing()
  const [holdings, compositions] = await Promise.all([asking, compositionsOf(context, servers, pushed)])
  const configured = ({ server }: ServerPlan) => context.config.servers.find(({ name }) => name === server)?.seed
  const needs = servers.map((server): Needs => {
    const has = holdings.get(server.server) ?? { images: new Map(), layers: new Set() }
    const built = builtImages(server.replacements, digestsOf(server, pushed))
    const images = new Map(built.map(({ image, digest }) => [image, digest]))
    const isReachable = !isLoopback(neighbourOf(context, server.server).host)
    return { server: server.server, seed: configured(server), isReachable, images, has }
  })
  return { pushed, compositions, needs, ways: chooseWays(needs, compositions) }
}

/**
 * What of a proposal holds: where nobody has said that a server may log in to another one, it is asked. Says for each
 * server what was chosen, and why.
 */
export async function confirmWays(context: ApplyContext, proposal: Proposal): Promise<ReadonlyMap<string, Way>> {
  const { needs, ways } = proposal
  const found = [...ways].filter(([, { isConfigured }]) => !isConfigured)
  const seeds = [...new Set(found.map(([, { from }]) => from))]
  const refused = await Promise.all(
    seeds.map(async seed => {
      const takers = found.filter(([, { from }]) => from === seed).map(([server]) => server)
      const refusals = await refusalsOf(context, seed, takers)
      if (refusals.size > 0) reportRefusals(context, seed, refusals)
      return [...refusals.keys()]
    }),
  )
  const isRefused = new Set(refused.flat())
  const confirmed = new Map([...ways].filter(([server]) => !isRefused.has(server)))
  if (confirmed.size > 0)
    for (const one of needs) if (!isRefused.has(one.server)) reportWay(context, one, proposal, confirmed)
  return confirmed
}

/** Where at least two servers get images that are built here. */
function serversThatMayShare({ config, runners }: ApplyContext, { servers, builds }: Plan): ServerPlan[] {
  if (config.builder.registry.type !== 'local') return []
  const built = new Set(builds.map(({ service }) => service))
  const found = servers.filter(
    ({ server, replacements }) =>
      canTunnel(runnerOf({ runners }, server)) && replacements.some(({ service }) => built.has(service)),
  )
  return found.length > 1 ? found : []
}

async function compositionsOf(
  { config, signal }: ApplyContext,
  servers: readonly ServerPlan[],
  pushed: Pushed,
): Promise<Compositions> {
  const { registry } = config.builder
  if (registry.type !== 'local') return new Map()
  const images = new Map(
    servers
      .flatMap(server => builtImages(server.replacements, digestsOf(server, pushed)))
      .map(one => [one.digest, one] as const),
  )
  const all = [...images].map(
    async ([digest, image]) => [digest, await compositionOf(registry.port, image, signal)] as const,
  )
  return new Map(await Promise.all(all))
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.[\d.]+|::1)$/i.test(host)
}

function reportRefusals({ report }: ApplyContext, seed: string, refusals: ReadonlyMap<string, string>): void {
  const whys = [...new Set([...refusals.values()].map(why => why.replace(/^.*: /, '').replace(/\.$/, '')))].join('; ')
  const servers = [...refusals.keys()].join(', ')
  const remedy = /^Permission denied/.test(whys)
    ? 'put its public key into their authorized_keys'
    : 'let it log in to them'
  report({
    step: 'seed',
    state: 'lost',
    server: seed,
    detail: `cannot log in to ${servers} (${whys}): images go there from here. To have ${seed} hand them on, ${remedy}; to be asked no more, write seed: false`,
  })
}

function reportWay(
  context: ApplyContext,
  one: Needs,
  { compositions }: Proposal,
  ways: ReadonlyMap<string, Way>,
): void {
  const { server, images, has } = one
  const way = ways.get(server)
  const takers = [...ways].filter(([, { from }]) => from === server).map(([name]) => name)
  if (!way && takers.length === 0 && absentOf(images, has.images, compositions).length === 0) return
  const { user, host } = neighbourOf(context, server)
  const from = way
    ? `from ${way.from}, over SSH between them, ${way.isConfigured ? 'as its seed says' : `which may log in to ${user}@${host}`}`
    : takers.length > 0
      ? 'from here'
      : `from here, ${whyFromHere(one, host)}`
  const on = takers.length > 0 ? `, and hands them on to ${takers.join(', ')}` : ''
  context.report({ step: 'seed', state: 'done', server, detail: `${from}${on}` })
}

function whyFromHere({ seed, isReachable }: Needs, host: string): string {
  if (seed === false) return 'as its seed says'
  if (seed !== undefined) return `because ${seed} has none for it in this deploy`
  return isReachable ? 'because it lacks little that others have' : `because ${host} is another machine elsewhere`
}
