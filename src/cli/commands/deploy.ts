import type { Config } from '../../config/config.ts'
import { type OwnCertificates, ownCertificates } from '../../config/own-certificates.ts'
import type { Secret } from '../../config/secret.ts'
import type { Secrets } from '../../config/secrets.ts'
import type { Selected } from '../../config/select.ts'
import { buildAndPush, type Pushed } from '../../deploy/build.ts'
import type { Builders } from '../../deploy/builder.ts'
import { storedLike } from '../../deploy/estimate.ts'
import { type Observation, observeAll } from '../../deploy/observe.ts'
import { buildsOf } from '../../deploy/plan/builds.ts'
import { planDeploy } from '../../deploy/plan/deploy.ts'
import type { Plan } from '../../deploy/plan/plan.ts'
import { nextRelease } from '../../deploy/plan/release-id.ts'
import { tidyBuilders } from '../../deploy/tidy.ts'
import { type Proofs, proofsFor, verifyDeploy } from '../../deploy/verify.ts'
import { readTree, type Tree, versionOf } from '../../deploy/version.ts'
import { JijiError } from '../../errors.ts'
import type { Stored } from '../../registry/local/contents.ts'
import type { Runner } from '../../runner/runner.ts'
import type { Context } from '../context.ts'
import { type Hooks, withHooks } from '../hooks.ts'
import { loadProject, selectWithSharers } from '../project.ts'
import { namingSkipped, type Reached, withReached } from '../reached.ts'
import { rehearse } from '../rehearse.ts'
import { confirmPlan, isAsked, type Released, release } from '../release.ts'
import { pageFile, withReport } from '../report.ts'
import { gatherCacheTokens, gatherSecrets, partsOf } from '../secrets.ts'
import { thisMachine, withBuilders } from '../servers.ts'
import { allWarnings } from '../warnings.ts'

export async function run(context: Context): Promise<void> {
  const page = pageFile(context)
  const config = loadProject(context)
  const selected = selectWithSharers(config, context)
  const secrets = await gatherSecrets(context, config, [config.builder, ...partsOf(config, selected)])
  const certificates = ownCertificates(config, secrets)
  const unsaid = await allWarnings(context, config)
  for (const warning of unsaid.filter(({ code }) => code !== 'literal-secret')) context.output.warn(warning)
  const here = thisMachine(context)
  const tree = await readTree(here, config.root)
  const version = versionOf(tree, context.options.text('version'), new Date())
  const cacheTokens = selected.services.some(({ build }) => build) ? gatherCacheTokens(context, config) : []
  const about = { config, selected, secrets, certificates, here, tree, version, cacheTokens }

  if (context.options.flag('dry-run')) {
    return withBuilders(context, config, secrets, selected, builders =>
      withReached(context, config, secrets, selected, reached =>
        rehearse(context, config, secrets, reached.runners, planners(context, { ...about, builders }, reached).ahead),
      ),
    )
  }
  await withReport(context, page, `deploy of ${config.project} ${version}`, () =>
    withHooks(context, config, { ...selected, version }, hooks =>
      withBuilders(context, config, secrets, selected, async builders => {
        const released = await deploy(context, { ...about, builders }, hooks)
        await tidy(context, { ...about, builders })
        return released
      }),
    ),
  )
}

type Work = {
  config: Config
  selected: Selected
  secrets: Secrets
  certificates: OwnCertificates
  /** This machine. */
  here: Runner
  builders: Builders
  cacheTokens: readonly Secret[]
  tree: Tree
  version: string
}

/** The plan, under the lock and ahead of it: then also with how much will move. */
function planners(context: Context, { config, certificates, builders, version }: Work, reached: Reached) {
  const { selected } = reached
  const builderArch = builders.main.arch
  const from = (observations: readonly Observation[], stored?: readonly Stored[]) => {
    const release = nextRelease(observations, new Date())
    const about = { config, selected, observations, release, version, builderArch, certificates, stored }
    return namingSkipped(planDeploy(about), reached)
  }
  const ahead = async (observations: readonly Observation[]) =>
    from(
      observations,
      await storedLike(config, buildsOf(config, selected, version, builderArch), observations, context.signal),
    )
  return { from, ahead }
}

async function deploy(context: Context, work: Work, hooks: Hooks): Promise<Released> {
  const { config, selected, secrets, here, version } = work
  const proofs: Proofs = context.options.flag('skip-verify') ? new Map() : proofsFor(config, secrets, selected, version)
  const releaseTo = (reached: Reached, images: () => Promise<Pushed>) =>
    release(
      context,
      { config, secrets, runners: reached.runners, hooks },
      planners(context, work, reached).from,
      images,
    )

  if (isAsked(context) || proofs.size > 0) {
    return withReached(context, config, secrets, selected, async reached => {
      const { signal, output } = context
      const { runners } = reached
      if (proofs.size > 0)
        await verifyDeploy({ config, here, runners, report: output.event.bind(output), signal }, proofs)
      if (isAsked(context)) {
        const { ahead } = planners(context, work, reached)
        await confirmPlan(context, await ahead(await observeAll(config, runners, signal)))
      }
      await hooks.run('pre-build')
      return withBuild(context, work, images => releaseTo(reached, images))
    })
  }
  // Nobody to ask, and nothing to prove: building starts while servers are connected.
  await hooks.run('pre-build')
  return withBuild(context, work, images =>
    withReached(context, config, secrets, selected, reached => releaseTo(reached, images)),
  )
}

/** What was built before and no server needs any more goes, where it was built; nothing depends on it. */
async function tidy({ output, signal }: Context, { config, selected, version, builders }: Work): Promise<void> {
  const builds = buildsOf(config, selected, version, builders.main.arch)
  const gone = await tidyBuilders({ config, builders, builds, signal })
  if (gone.length > 0 && output.style.verbose) output.note(`removed where it was built: ${gone.join(', ')}`)
}

/** Builds and pushes meanwhile, and gives that up when `use` fails. */
async function withBuild<T>(
  context: Context,
  work: Work,
  use: (images: () => Promise<Pushed>) => Promise<T>,
): Promise<T> {
  const { config, selected, version } = work
  const giveUp = new AbortController()
  const signal = AbortSignal.any([context.signal, giveUp.signal])
  const builds: Plan['builds'] = buildsOf(config, selected, version, work.builders.main.arch)
  const report = context.output.event.bind(context.output)
  const noCache = context.options.flag('no-cache')
  const images = buildAndPush({ ...work, noCache, noPush: false, report, signal }, { builds })
  images.catch(() => {})
  try {
    return await use(() => images)
  } finally {
    giveUp.abort(new JijiError('interrupted', 'the deploy ended'))
    await images.catch(() => {})
  }
}
