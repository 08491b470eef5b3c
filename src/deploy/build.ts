import type { Config, Service } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { ensureRegistry } from '../registry/local/container.ts'
import { slots } from '../runner/slots.ts'
import type { BuildContext, OneBuild } from './build-context.ts'
import { buildImageFor, type ImageBuild } from './build-image.ts'
import { type Builder, builderFor } from './builder.ts'
import { withContexts } from './contexts.ts'
import { imagesOf } from './plan/builds.ts'
import type { Plan } from './plan/plan.ts'
import { pushBuilt, pushInlineCache } from './push.ts'
import { inTermsOfDisk } from './room.ts'

/** The digest of each service's image, as the registry knows it. */
export type Digests = ReadonlyMap<string, string>

/** The digests of all that was pushed, by the names of images. */
export type Pushed = ReadonlyMap<string, string>

/**
 * Builds and pushes what a plan asks for.
 * @throws JijiError build.failed, push.failed, registry.refused, engine.*
 */
export async function buildAndPush(context: BuildContext, { builds }: Pick<Plan, 'builds'>): Promise<Pushed> {
  if (builds.length > 0) await prepareRegistry(context)
  const digests = new Map<string, string>()
  await eachBuild(context, builds, async (build, one) => {
    for (const { service, name } of build.images) digests.set(name, await pushBuilt(one, service, name))
    await pushInlineCache(one, build)
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
  then: (build: ImageBuild, context: OneBuild) => Promise<void>,
): Promise<void> {
  if (builds.length === 0) return
  const failed = new AbortController()
  let first: unknown
  const whole = { ...context, signal: AbortSignal.any([context.signal, failed.signal]) }
  const { builders, config, signal } = whole
  const all = together(config, builds)
  const needed = [...new Set(all.map(({ platform }) => builderFor(builders, platform)))]
  await withEveryContext(whole, needed, async folderOf => {
    const { use } = slots(atOnce)
    const work = all.map(build =>
      use(async () => {
        signal.throwIfAborted()
        const one = { ...whole, builder: builderFor(builders, build.platform) }
        const folder = await folderOf(one.builder, build.build)
        const place = { runner: one.builder.runner, engine: config.builder.engine, scope: config.scope }
        await inTermsOfDisk(place, async () => {
          await buildImageFor(one, build, folder)
          await then(build, one)
        })
      }).catch(error => {
        first ??= error
        failed.abort(new JijiError('interrupted', 'another build has failed'))
        throw error
      }),
    )
    await Promise.allSettled(work)
    if (failed.signal.aborted) throw first
  })
}

type FolderAt = (builder: Builder, build: ImageBuild['build']) => Promise<string>

/** The contexts at each builder. */
async function withEveryContext(
  context: BuildContext,
  [first, ...rest]: readonly Builder[],
  use: (folderOf: FolderAt) => Promise<void>,
): Promise<void> {
  if (!first) return use(() => Promise.reject(new Error('it is no builder of this build')))
  const { config, report, signal } = context
  await withContexts({ builder: first, root: config.root, report, signal }, folderOf =>
    withEveryContext(context, rest, others =>
      use((builder, build) => (builder === first ? folderOf(build) : others(builder, build))),
    ),
  )
}

/** Services that are built from the same are built once for each architecture. */
function together({ services }: Config, builds: Plan['builds']): ImageBuild[] {
  const found = new Map<string, ImageBuild>()
  for (const wanted of builds) {
    const build = services.find(({ name }) => name === wanted.service)?.build
    if (!build) continue
    for (const { name, platform } of imagesOf(wanted)) {
      const key = JSON.stringify([identity(build), platform])
      const { images } = found.get(key) ?? { images: [] }
      found.set(key, { build, platform, images: [...images, { service: wanted.service, name }] })
    }
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
