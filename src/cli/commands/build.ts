import { buildAndPush, buildOnly } from '../../deploy/build.ts'
import { buildsOf, imagesOf } from '../../deploy/plan/builds.ts'
import { readTree, versionOf } from '../../deploy/version.ts'
import { JijiError } from '../../errors.ts'
import { asLogin } from '../../registry/credentials.ts'
import { checkLogin } from '../../registry/verify/check.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { builderKeysOf, gatherCacheTokens, gatherSecrets } from '../secrets.ts'
import { thisMachine, withBuilders } from '../servers.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const keys = builderKeysOf(config, selected.services)
  const parts = [config.builder, config.registries, selected.services.map(({ build }) => build), keys]
  const secrets = await gatherSecrets(context, config, parts)
  const here = thisMachine(context)
  const tree = await readTree(here, config.root)
  const version = versionOf(tree, options.text('version'), new Date())
  if (!selected.services.some(one => one.build))
    throw new JijiError('usage', 'there is nothing to build: no service that was selected has `build`')
  const noCache = options.flag('no-cache')
  const noPush = options.flag('no-push')
  const cacheTokens = gatherCacheTokens(context, config)

  await withBuilders(context, config, secrets, selected, async builders => {
    const builds = buildsOf(config, selected, version, builders.main.arch)
    const images = builds.flatMap(one => imagesOf(one).map(image => ({ service: one.service, ...image })))
    if (options.flag('dry-run')) return show(context, images)
    const report = output.event.bind(output)
    const build = { config, secrets, here, builders, tree, noCache, noPush, cacheTokens, report, signal }
    if (noPush) {
      await buildOnly(build, builds)
      return show(context, images)
    }
    // A deploy proves more, and on all servers; here a wrong password is known before the build takes its time.
    const { registry } = config.builder
    const credential = registry.type === 'remote' ? registry.credential : undefined
    if (credential) await checkLogin(asLogin(credential, secrets), signal)
    const digests = await buildAndPush(build, { builds })
    show(
      context,
      images.map(image => ({ ...image, digest: digests.get(image.name) ?? '' })),
    )
  })
}

type Shown = { service: string; name: string; platform: string | undefined; digest?: string }

function show({ output }: Context, images: readonly Shown[]): void {
  if (output.style.json) output.json({ schemaVersion: 1, images })
  else
    output.table(
      ['service', 'image', 'digest'],
      images.map(({ service, name, digest }) => [service, name, digest ?? '-']),
    )
}
