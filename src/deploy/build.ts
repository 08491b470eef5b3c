import type { Config, Service } from '../config/config.ts'
import { ensureRegistry } from '../registry/local/container.ts'
import { slots } from '../runner/slots.ts'
import type { BuildContext } from './build-context.ts'
import { buildImageFor, type ImageBuild } from './build-image.ts'
import { withContexts } from './contexts.ts'
import type { Plan } from './plan/plan.ts'
import { pushBuilt } from './push.ts'
import { inTermsOfDisk } from './room.ts'

/** The digest of each service's image, as the registry knows it. */
export type Digests = ReadonlyMap<string, string>

/**
 * Builds and pushes what a plan asks for.
 * @throws JijiError build.failed, push.failed, registry.refused, engine.*
 */
export async function buildAndPush(context: BuildContext, { builds }: Pick<Plan, 'builds'>): Promise<Digests> {
  if (builds.length > 0) await prepareRegistry(context)
  const digests = new Map<string, string>()
  await eachBuild(context, builds, async (build, whole) => {
    for (const { service, name } of build.images) digests.set(service, await pushBuilt(whole, service, name))
  })
  return digests
}

/** Builds alone. */
export async function buildOnly(context: BuildContext, builds: Plan['builds']): Promise<void> {
  await eachBuild(context, builds, async () => {})
}

/** More at once than this would only take each other's time. */
const atOnce = 4

/** Builds some at a time. The first failure stops the others, and is the one that is thrown. */
async function eachBuild(
  context: BuildContext,
  builds: Plan['builds'],
  then: (build: ImageBuild, context: BuildContext) => Promise<void>,
): Promise<void> {
  if (builds.length === 0) return
  const failed = new AbortController()
  const whole = { ...context, signal: AbortSignal.any([context.signal, failed.signal]) }
  const { builder, config, report, signal } = whole
  const place = { runner: builder.runner, engine: config.builder.engine, scope: config.scope }
  await withContexts({ builder, root: config.root, report, signal }, async folderOf => {
    const { use } = slots(atOnce)
    const work = together(config, builds).map(build =>
      use(async () => {
        signal.throwIfAborted()
        const folder = await folderOf(build.build)
        await inTermsOfDisk(place, async () => {
          await buildImageFor(whole, build, folder)
          await then(build, whole)
        })
      }).catch(error => {
        failed.abort(error)
        throw error
      }),
    )
    await Promise.allSettled(work)
    if (failed.signal.aborted) throw failed.signal.reason
  })
}

/** Services that are built from the same are built once. */
function together({ services }: Config, builds: Plan['builds']): ImageBuild[] {
  const found = new Map<string, ImageBuild>()
  for (const { service: wanted, name, platforms } of builds) {
    const build = services.find(service => service.name === wanted)?.build
    if (!build) continue
    const key = JSON.stringify([identity(build), platforms])
    const { images } = found.get(key) ?? { images: [] }
    found.set(key, { build, platforms, images: [...images, { service: wanted, name }] })
  }
  return [...found.values()]
}

/** Where a secret is written differs from service to service, and makes no difference. */
function identity({ secrets, ...build }: NonNullable<Service['build']>): unknown {
  return { ...build, secrets: secrets.map(({ text }) => text) }
}

/** Before anything is built: the local registry runs. */
async function prepareRegistry({ config, here, signal, report }: BuildContext): Promise<void> {
  const { registry, engine } = config.builder
  if (registry.type === 'remote') return
  const { change } = await ensureRegistry(here, engine, registry, signal)
  if (change) report({ step: 'registry', state: 'done', detail: change })
}
