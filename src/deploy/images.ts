import type { Runner } from '../runner/runner.ts'
import { findImages } from '../shell/images.ts'
import type { ApplyContext } from './apply-context.ts'
import type { Digests } from './build.ts'
import { settled } from './failure.ts'
import { limits } from './limits.ts'
import { overLosses } from './losses.ts'
import type { Observation } from './observe.ts'
import type { Plan, ServerPlan } from './plan/plan.ts'
import { pullOn } from './pull.ts'

/** The digest of each service's image, by the servers' names. */
export type DigestsByServer = ReadonlyMap<string, Digests>

/** Gets the images to all servers at once, as soon as they are pushed. */
export async function getImages(
  context: ApplyContext,
  plan: Plan,
  pushed: () => Promise<Digests>,
): Promise<DigestsByServer> {
  const digests = await pushed()
  const pairs = plan.servers.map(async (server): Promise<[string, Digests]> => {
    const there = await overLosses(context, server.server, runner => pullOn(context, runner, server, digests))
    return [server.server, new Map([...there, ...digests])]
  })
  return new Map(await settled(pairs))
}

/**
 * The images of what runs already. One that somebody has taken off its server is fetched again, by the digest that was
 * deployed.
 */
export async function imagesOnceMore(context: ApplyContext, plan: Plan): Promise<DigestsByServer> {
  const pairs = plan.servers.map(async (server): Promise<[string, Digests]> => {
    const digests = new Map(server.replacements.map(({ service, again }) => [service, again?.digest ?? '']))
    await overLosses(context, server.server, async runner => {
      const replacements = await missingOn(context, runner, server)
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

/** The digests that servers have on record for a release. */
export async function recordedDigests({ observations }: ApplyContext, plan: Plan): Promise<DigestsByServer> {
  const digestsOf = ({ releases }: Observation) => releases.find(({ id }) => id === plan.release)?.services ?? {}
  return new Map(
    observations.map(one => [
      one.server,
      new Map(Object.entries(digestsOf(one)).map(([name, { digest }]) => [name, digest])),
    ]),
  )
}
