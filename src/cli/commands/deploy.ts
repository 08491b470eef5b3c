import type { Config } from '../../config/config.ts'
import type { Secrets } from '../../config/secrets.ts'
import type { Selected } from '../../config/select.ts'
import { buildAndPush, type Digests } from '../../deploy/build.ts'
import type { Builder } from '../../deploy/builder.ts'
import { storedLike } from '../../deploy/estimate.ts'
import { type Observation, observeAll } from '../../deploy/observe.ts'
import { buildsOf } from '../../deploy/plan/builds.ts'
import { planDeploy } from '../../deploy/plan/deploy.ts'
import type { Plan } from '../../deploy/plan/plan.ts'
import { nextRelease } from '../../deploy/plan/release-id.ts'
import { type Proofs, proofsFor, verifyDeploy } from '../../deploy/verify.ts'
import { readTree, type Tree, versionOf } from '../../deploy/version.ts'
import type { Stored } from '../../registry/local/contents.ts'
import type { Runner } from '../../runner/runner.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom, thisMachine, withBuilder, withServers } from '../gather.ts'
import { rehearse } from '../rehearse.ts'
import { confirmPlan, isAsked, release } from '../release.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const secrets = await gatherSecrets(context, config, config)
  const here = thisMachine(context)
  const tree = await readTree(here, config.root)
  const version = versionOf(tree, context.options.text('version'), new Date())
  await withBuilder(context, config, secrets, selected, builder =>
    deploy(context, { config, selected, secrets, here, builder, tree, version }),
  )
}

type Work = {
  config: Config
  selected: Selected
  secrets: Secrets
  /** This machine. */
  here: Runner
  builder: Builder
  tree: Tree
  version: string
}

async function deploy(context: Context, work: Work): Promise<void> {
  const { config, selected, secrets, here, builder, version } = work
  const planFrom = (observations: readonly Observation[], stored?: readonly Stored[]) => {
    const release = nextRelease(observations, new Date())
    return planDeploy({ config, selected, observations, release, version, builderArch: builder.arch, stored })
  }
  const planAhead = async (observations: readonly Observation[]) =>
    planFrom(observations, await storedLike(config, selected, version, observations, context.signal))

  if (context.options.flag('dry-run')) {
    return withServers(context, config, secrets, selected.servers, runners =>
      rehearse(context, config, secrets, runners, planAhead),
    )
  }
  const proofs: Proofs = context.options.flag('skip-verify') ? new Map() : proofsFor(config, secrets, selected, version)
  if (isAsked(context) || proofs.size > 0) {
    return withServers(context, config, secrets, selected.servers, async runners => {
      const { signal, output } = context
      if (proofs.size > 0)
        await verifyDeploy({ config, here, runners, report: output.event.bind(output), signal }, proofs)
      if (isAsked(context)) await confirmPlan(context, await planAhead(await observeAll(config, runners, signal)))
      await withBuild(context, work, images => release(context, config, secrets, runners, planFrom, images))
    })
  }
  // Nobody to ask, and nothing to prove: building starts while servers are connected.
  return withBuild(context, work, images =>
    withServers(context, config, secrets, selected.servers, runners =>
      release(context, config, secrets, runners, planFrom, images),
    ),
  )
}

/** Builds and pushes meanwhile, and gives that up when `use` fails. */
async function withBuild<T>(
  context: Context,
  work: Work,
  use: (images: () => Promise<Digests>) => Promise<T>,
): Promise<T> {
  const { config, selected, version } = work
  const giveUp = new AbortController()
  const signal = AbortSignal.any([context.signal, giveUp.signal])
  const builds: Plan['builds'] = buildsOf(config, selected, version)
  const report = context.output.event.bind(context.output)
  const noCache = context.options.flag('no-cache')
  const images = buildAndPush({ ...work, noCache, report, signal }, { builds })
  images.catch(() => {})
  try {
    return await use(() => images)
  } finally {
    giveUp.abort(new Error('the deploy ended'))
    await images.catch(() => {})
  }
}
