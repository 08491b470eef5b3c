import { JijiError } from '../../errors.ts'
import type { LocalClient } from './client.ts'
import { type Stored, sizeOf, type Version } from './contents.ts'
import type { Volume } from './volume.ts'

/** Which images are to go. */
export type Choice = {
  /** Whether it is about the images of a repository that have this label of a project. */
  covers: (repository: string, project: string | undefined) => boolean
  /** What was pushed before that goes, in milliseconds. */
  before?: number
  /** Where no age is given, as many of the newest stay, of each repository and project. */
  retain: number
}

export type Removal = { repository: string; version: Version; at: number | undefined }

export type PrunePlan = {
  removals: readonly Removal[]
  /** Manifests that go: those of the images, and what lost its tag to a later push. */
  manifests: readonly { repository: string; digest: string }[]
  /** Bytes of the images that go and that no other shares. */
  size: number
}

/**
 * What is to go. An image that several tags name goes with all of them or stays: two versions that are the same image cost
 * no more than one.
 */
export function planPrune(contents: readonly Stored[], volume: Volume, choice: Choice): PrunePlan {
  const all = contents.flatMap(({ repository, versions }) =>
    versions.map((version): Removal => ({ repository, version, at: timeOf(volume, repository, version) })),
  )
  const covered = all.filter(({ repository, version }) => choice.covers(repository, version.project))
  const removals = covered.filter(
    choice.before === undefined
      ? one => !newestLike(one, covered, choice.retain).includes(one)
      : ({ at }) => at !== undefined && at < (choice.before ?? 0),
  )
  const kept = all.filter(one => !removals.includes(one))
  const needed = new Set(
    kept.flatMap(({ repository, version }) => namesOf(version).map(digest => `${repository}@${digest}`)),
  )
  const parts = new Set(kept.flatMap(({ version }) => [...version.parts.keys()]))
  const freed = removals.map(({ version }) => ({
    parts: new Map([...version.parts].filter(([digest]) => !parts.has(digest))),
  }))
  const ofImages = removals.flatMap(({ repository, version }) =>
    namesOf(version).map(digest => ({ repository, digest })),
  )
  const manifests = [...ofImages, ...withoutTag(all, volume, choice)].filter(
    ({ repository, digest }) => !needed.has(`${repository}@${digest}`),
  )
  return { removals, manifests: distinct(manifests), size: sizeOf(freed) }
}

/** @throws JijiError engine.failed, RequestFailed */
export async function deleteManifests(client: LocalClient, manifests: PrunePlan['manifests']): Promise<void> {
  for (const { repository, digest } of manifests) {
    const { status } = await client.ask(`/v2/${repository}/manifests/${digest}`, { method: 'DELETE' })
    if (status === 202 || status === 404) continue
    throw new JijiError('engine.failed', `the local registry did not delete ${repository}@${digest}: ${status}`, {
      ...(status === 405
        ? { hint: 'make it anew, with what it holds: jiji registry remove, then jiji registry setup' }
        : {}),
    })
  }
}

/**
 * The project whose image this is. Its label has the environment too (`shop-staging`), and what comes after the project in
 * the repository's name is the service's, so that neither alone tells.
 */
export function projectOf(repository: string, label: string | undefined): string | undefined {
  const words = label ? label.split('-') : []
  for (let count = words.length; count > 0; count--) {
    const project = words.slice(0, count).join('-')
    if (repository.startsWith(`${project}-`)) return project
  }
  return undefined
}

/** When it was last pushed; where the disk does not tell, when it was built. */
function timeOf({ pushed }: Volume, repository: string, { tags, created }: Version): number | undefined {
  const times = tags.flatMap(tag => pushed.get(`${repository}:${tag}`) ?? [])
  if (times.length > 0) return Math.max(...times)
  return created === undefined ? undefined : Date.parse(created)
}

/**
 * Environments of a project share a repository, and none may push out what another runs, nor one architecture the images of
 * another. One without a time stays.
 */
function newestLike({ repository, version }: Removal, all: readonly Removal[], count: number): Removal[] {
  const time = ({ at }: Removal) => at ?? Number.POSITIVE_INFINITY
  return all
    .filter(one => one.repository === repository && one.version.project === version.project)
    .filter(one => archOf(one.version) === archOf(version))
    .toSorted((a, b) => (time(a) === time(b) ? 0 : time(b) - time(a)))
    .slice(0, count)
}

/** Of an image that was built for one of several, by its tag. */
function archOf({ tags }: Version): string {
  return /-(amd64|arm64)$/.exec(tags[0] ?? '')?.[1] ?? ''
}

/** Nobody can ask for these but on the disk. Nothing says whose they are, so all images of the repository must be covered. */
function withoutTag(all: readonly Removal[], { revisions }: Volume, { covers, before }: Choice) {
  const tagged = new Set(all.map(({ repository, version }) => `${repository}@${version.digest}`))
  return revisions.flatMap(({ repository, digest, at }) => {
    const labels = all.filter(one => one.repository === repository).map(({ version }) => version.project)
    const isCovered = (labels.length > 0 ? labels : [undefined]).every(label => covers(repository, label))
    const isOld = before === undefined || at < before
    return isCovered && isOld && !tagged.has(`${repository}@${digest}`) ? [{ repository, digest }] : []
  })
}

function namesOf({ digest, manifests }: Version): string[] {
  return [digest, ...manifests]
}

function distinct<T extends { repository: string; digest: string }>(list: readonly T[]): T[] {
  return [...new Map(list.map(one => [`${one.repository}@${one.digest}`, one])).values()]
}
