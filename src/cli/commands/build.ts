import { buildAndPush, buildOnly } from '../../deploy/build.ts'
import { buildsOf } from '../../deploy/plan/builds.ts'
import { readTree, versionOf } from '../../deploy/version.ts'
import { JijiError } from '../../errors.ts'
import { asLogin } from '../../registry/credentials.ts'
import { checkLogin } from '../../registry/verify/check.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom, thisMachine, withBuilder } from '../gather.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const keys = config.builder.remote ? config.ssh : undefined
  const parts = [config.builder, config.registries, selected.services.map(({ build }) => build), keys]
  const secrets = await gatherSecrets(context, config, parts)
  const here = thisMachine(context)
  const tree = await readTree(here, config.root)
  const version = versionOf(tree, options.text('version'), new Date())
  const builds = buildsOf(config, selected, version)
  if (builds.length === 0)
    throw new JijiError('usage', 'there is nothing to build: no service that was selected has `build`')
  const noCache = options.flag('no-cache')

  await withBuilder(context, config, secrets, selected, async builder => {
    const build = { config, secrets, here, builder, tree, noCache, report: output.event.bind(output), signal }
    if (options.flag('no-push')) {
      await buildOnly(build, builds)
      show(
        context,
        builds.map(({ service, name }) => ({ service, name })),
      )
      return
    }
    // A deploy proves more, and on all servers; here a wrong password is known before the build takes its time.
    const { registry } = config.builder
    const credential = registry.type === 'remote' ? registry.credential : undefined
    if (credential) await checkLogin(asLogin(credential, secrets), signal)
    const digests = await buildAndPush(build, { builds })
    show(
      context,
      builds.map(({ service, name }) => ({ service, name, digest: digests.get(service) ?? '' })),
    )
  })
}

function show({ output }: Context, images: { service: string; name: string; digest?: string }[]): void {
  if (output.style.json) output.json({ schemaVersion: 1, images })
  else
    output.table(
      ['service', 'image', 'digest'],
      images.map(({ service, name, digest }) => [service, name, digest ?? '-']),
    )
}
