import type { Runner } from '../runner/runner.ts'
import { findImages } from '../shell/images.ts'
import type { ApplyContext } from './apply-context.ts'
import type { Digests, Pushed } from './build.ts'
import { settled } from './failure.ts'
import { limits } from './limits.ts'
import { overLosses } from './losses.ts'
import { isPulled, type Plan, type ReplacementPlan, type ServerPlan } from './plan/plan.ts'
import { digestsOf, pullOn } from './pull.ts'
import { findAbsent } from './seeds/arrival.ts'
import type { Way } from './seeds/choose.ts'
import { giveAll } from './seeds/give.ts'
import { confirmWays, type Proposal, proposeWays } from './seeds/ways.ts'

/** The digest of each service's image, by the servers' names. */
export type DigestsByServer = ReadonlyMap<string, Digests>

/**
 * Gets the images to all servers at once, as soon as they are pushed: from here, or from another server once that has
 * them. What is not handed on comes from here after all.
 */
export async function getImages(
  context: ApplyContext,
  plan: Plan,
  pushed: () => Promise<Pushed>,
): Promise<DigestsByServer> {
  const proposal = await proposeWays(context, plan, pushed)
  const confirmed = confirmWays(context, proposal)
  confirmed.catch(() => {}) // those for whom a way was proposed wait for it

  const get = once(async (server): Promise<Digests> => {
    const way = proposal.ways.has(server.server) ? (await confirmed).get(server.server) : undefined
    if (!way) return pull(context, server, proposal)
    const others = await pull(
      context,
      only(server, image => !way.images.includes(image)),
      proposal,
    )
    const why = (await give(planOf(plan, way.from))).get(server.server)
    const given = await take(
      context,
      only(server, image => way.images.includes(image)),
      proposal,
      way,
      why,
    )
    return new Map([...others, ...given])
  })
  const give = once(async seed => {
    const gifts = [...(await confirmed)].filter(([, { from }]) => from === seed.server)
    await get(seed)
    return giveAll(
      context,
      seed,
      gifts.map(([server, { images }]) => ({ to: planOf(plan, server), images })),
    )
  })

  const pairs = plan.servers.map(async (server): Promise<[string, Digests]> => {
    return [server.server, new Map([...(await get(server)), ...digestsOf(server, proposal.pushed)])]
  })
  return new Map(await settled(pairs))
}

function pull(context: ApplyContext, server: ServerPlan, { pushed }: Proposal): Promise<Digests> {
  return overLosses(context, server.server, runner => pullOn(context, runner, server, digestsOf(server, pushed)))
}

/** What another server has handed on must be what was pushed. Where it is not, or has not come, it is fetched from here. */
async function take(
  context: ApplyContext,
  server: ServerPlan,
  proposal: Proposal,
  way: Way,
  failure: string | undefined,
): Promise<Digests> {
  const { report } = context
  const absent = failure === undefined ? await findAbsent(context, server, way, proposal) : way.images
  if (absent.length === 0) {
    const detail = `${way.images.join(', ')} from ${way.from}`
    report({ step: 'pull', state: 'done', server: server.server, detail })
    return new Map()
  }
  const why = failure ?? 'what arrived is another image'
  const detail = `${way.from} could not hand ${absent.join(', ')} on (${why}): it comes from here instead`
  report({ step: 'seed', state: 'lost', server: server.server, detail })
  return pull(
    context,
    only(server, image => absent.includes(image)),
    proposal,
  )
}

function only(server: ServerPlan, isMeant: (image: string) => boolean): ServerPlan {
  return { ...server, replacements: server.replacements.filter(({ image }) => isMeant(image)) }
}

function planOf({ servers }: Plan, name: string): ServerPlan {
  const found = servers.find(({ server }) => server === name)
  if (!found) throw new Error(`${name} is not in the plan`)
  return found
}

/** Does for each server what is to be done once, however often it is asked for. */
function once<T>(work: (server: ServerPlan) => Promise<T>): (server: ServerPlan) => Promise<T> {
  const begun = new Map<string, Promise<T>>()
  return server => {
    const promise = begun.get(server.server) ?? work(server)
    begun.set(server.server, promise)
    return promise
  }
}

/**
 * The images of what runs already. One that somebody has taken off its server is fetched again, by the digest that was
 * deployed.
 */
export function imagesOnceMore(context: ApplyContext, plan: Plan): Promise<DigestsByServer> {
  return pullMissing(context, plan, (runner, server) => missingOn(context, runner, server))
}

/** The images of what is made again from a release's record. */
export function imagesOnRecord(context: ApplyContext, plan: Plan): Promise<DigestsByServer> {
  return pullMissing(context, plan, async (_, { replacements }) => replacements.filter(isPulled))
}

type Missing = (runner: Runner, server: ServerPlan) => Promise<readonly ReplacementPlan[]>

async function pullMissing(context: ApplyContext, plan: Plan, missing: Missing): Promise<DigestsByServer> {
  const pairs = plan.servers.map(async (server): Promise<[string, Digests]> => {
    const digests = new Map(server.replacements.map(({ service, again }) => [service, again?.digest ?? '']))
    await overLosses(context, server.server, async runner => {
      const replacements = await missing(runner, server)
      await pullOn(context, runner, { ...server, replacements }, digests)
    })
    return [server.server, digests]
  })
  return new Map(await settled(pairs))
}

async function missingOn({ signal }: ApplyContext, runner: Runner, { engine, replacements }: ServerPlan) {
  const names = [...new Set(replacements.map(({ image }) => image))]
  const { stdout } = await runner.run(findImages(engine, names), { signal, timeout: limits.ask })
  return replacements.filter(({ image }) => !stdout.includes(`image ${image} `))
}
