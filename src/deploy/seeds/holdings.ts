import { findImages } from '../../shell/images.ts'
import { lines } from '../../shell/script.ts'
import { findLayers } from '../../shell/seed.ts'
import type { ApplyContext } from '../apply-context.ts'
import { idsIn } from '../image-ids.ts'
import { limits } from '../limits.ts'
import { runnerOf } from '../losses.ts'
import type { ServerPlan } from '../plan/plan.ts'
import type { Holding } from './choose.ts'

/** What servers have of images already. One that cannot be asked now has nothing. */
export async function findHoldings(
  context: ApplyContext,
  servers: readonly ServerPlan[],
): Promise<ReadonlyMap<string, Holding>> {
  return new Map(
    await Promise.all(
      servers.map(async server => {
        const holding = await findHolding(context, server).catch(() => undefined)
        return [server.server, holding ?? { images: new Map(), layers: new Set() }] as const
      }),
    ),
  )
}

async function findHolding(context: ApplyContext, { server, engine, replacements }: ServerPlan): Promise<Holding> {
  const names = replacements.map(({ image }) => image)
  const script = lines(findImages(engine, names), findLayers(engine))
  const output = await runnerOf(context, server).run(script, { signal: context.signal, timeout: limits.ask })
  return { images: idsIn(output), layers: layersIn(output.stdout) }
}

/**
 * Of what was loaded from a stream an engine does not know by which digests a registry has it, and would fetch it from
 * there once more: such images have no name with a digest, or with Podman only that of their own.
 */
export function layersIn(text: string): Set<string> {
  const found = [...text.matchAll(/^layers (\[.*?\]|null) (\[.*\])$/gm)]
  const lists = found.flatMap(([, names = '[]', layers = '[]']) => {
    const isPulled = ((JSON.parse(names) ?? []) as string[]).some(name => !name.startsWith('localhost:'))
    return isPulled ? [JSON.parse(layers) as string[]] : []
  })
  return new Set(lists.flat())
}
