import type { Config } from '../../config/config.ts'
import { renderSize } from '../../deploy/size.ts'
import { JijiError } from '../../errors.ts'
import { clientOfLocal } from '../../registry/local/client.ts'
import { untilItAnswers } from '../../registry/local/container.ts'
import { readContents } from '../../registry/local/contents.ts'
import {
  type Choice,
  deleteManifests,
  type PrunePlan,
  planPrune,
  projectOf,
  type Removal,
} from '../../registry/local/prune.ts'
import { freeVolume, readVolume } from '../../registry/local/volume.ts'
import { RequestFailed } from '../../registry/protocol/failure.ts'
import { labels } from '../../shell/names.ts'
import { renderAge } from '../../ui/age.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { gatherSecrets } from '../secrets.ts'
import { thisMachine } from '../servers.ts'
import { confirmRemoval } from '../tend.ts'

/** Takes old images out of the local registry, and gives back their room. */
export async function run(context: Context): Promise<void> {
  const { options, signal } = context
  const config = loadProject(context)
  const { registry, engine } = config.builder
  const choice = choiceOf(context, config)
  const isDryRun = options.flag('dry-run')
  const isAsked = !options.flag('yes')
  if (registry.type === 'remote')
    throw new JijiError('usage', `only a local registry is pruned, and builder.registry is ${registry.key}`, {
      hint: 'a remote one has rules of its own for what it keeps',
    })

  await gatherSecrets(context, config, [])
  const here = thisMachine(context)
  const volume = await readVolume(here, engine, signal)
  const client = clientOfLocal(volume.port, signal)
  try {
    const plan = planPrune(await readContents(client, labels.project), volume, choice)
    if (plan.manifests.length === 0 || isDryRun) return show(context, plan, { isDryRun })
    if (isAsked) await confirm(context, plan)
    await deleteManifests(client, plan.manifests)
    const used = await freeVolume(here, engine, signal)
    await untilItAnswers(engine, volume.port, signal)
    const freed = used === undefined || volume.used === undefined ? undefined : Math.max(0, volume.used - used)
    show(context, plan, { isDryRun, freed })
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    throw new JijiError(
      'engine.failed',
      `the local registry gives no answer on port ${volume.port}: ${error.message}`,
      {
        cause: error,
      },
    )
  } finally {
    client.close()
  }
}

function choiceOf({ options }: Context, config: Config): Choice {
  const wanted = options.text('project')
  const isAll = options.flag('all')
  const age = options.text('older-than')
  if (isAll && wanted !== undefined) throw new JijiError('usage', '--all and --project together make no sense')
  const own = new Set(config.services.map(({ name }) => `${config.project}-${name}`))
  const project = wanted ?? config.project
  return {
    covers: (repository, label) =>
      isAll || projectOf(repository, label) === project || (wanted === undefined && own.has(repository)),
    retain: config.deploy.retain,
    ...(age === undefined ? {} : { before: Date.now() - milliseconds(age) }),
  }
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }

function milliseconds(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([mhdw])$/.exec(text) ?? []
  if (amount !== undefined) return Number(amount) * (units[unit] ?? 0)
  throw new JijiError('usage', `--older-than takes an age such as 30d, 2w or 12h, not ${text}`)
}

function confirm(context: Context, { removals, size }: PrunePlan): Promise<void> {
  const what = `${count(removals.length)} would be removed from the local registry, ${renderSize(size)}`
  const images = removals.map(one => `  ${one.repository} ${one.version.tags.join(', ')}`)
  return confirmRemoval(context, [...images, `${what}; it stops for a moment`].join('\n'), what)
}

function show(
  { output }: Context,
  plan: PrunePlan,
  { isDryRun, freed }: { isDryRun: boolean; freed?: number | undefined },
) {
  const { removals, manifests, size } = plan
  if (output.style.json) {
    output.json({
      schemaVersion: 1,
      dryRun: isDryRun,
      removed: removals.map(rowOf),
      manifests: manifests.length,
      freed: freed ?? null,
    })
    return
  }
  if (removals.length > 0)
    output.table(
      ['repository', 'version', 'size', 'age'],
      removals.map(one => {
        const { repository, tags, size, pushed } = rowOf(one)
        return [repository, tags.join(', '), renderSize(size), renderAge(pushed ?? undefined, new Date())]
      }),
    )
  if (manifests.length === 0) output.result('nothing is to be removed')
  else if (isDryRun) output.result(`${count(removals.length)} would be removed, ${renderSize(size)}`)
  else
    output.result(
      `removed ${count(removals.length)}${freed === undefined ? '' : `; ${renderSize(freed)} of the disk came back`}`,
    )
}

function rowOf({ repository, version: { tags, digest, parts, created }, at }: Removal) {
  return {
    repository,
    tags,
    digest,
    size: [...parts.values()].reduce((sum, one) => sum + one, 0),
    created: created ?? null,
    pushed: at === undefined ? null : new Date(at).toISOString(),
  }
}

function count(images: number): string {
  return images === 1 ? '1 image' : `${images} images`
}
