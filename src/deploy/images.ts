import type { ApplyContext } from './apply-context.ts'
import type { Digests } from './build.ts'
import { settled } from './failure.ts'
import { overLosses } from './losses.ts'
import type { Observation } from './observe.ts'
import type { Plan } from './plan/plan.ts'
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
