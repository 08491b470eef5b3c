import { labels } from '../../shell/names.ts'
import { clientOfLocal, type LocalClient } from './client.ts'
import { readTags, readVersions, type Stored, type Version } from './contents.ts'

/** Images of a repository: those with these tags, and those that somebody has. */
export type Wanted = { repository: string; tags?: readonly string[] | undefined; digests: readonly string[] }

/** Milliseconds: it is only asked for an estimate, and nobody waits for that. */
const patience = 1000

/**
 * Those of these images that the registry of this machine holds. Of a repository that has none of those, all that have a tag.
 * Nothing where no registry answers, or not soon.
 */
export async function findStored(port: number, wanted: readonly Wanted[], signal: AbortSignal): Promise<Stored[]> {
  const client = clientOfLocal(port, AbortSignal.any([signal, AbortSignal.timeout(patience)]))
  try {
    return await Promise.all(
      wanted.map(async one => ({ repository: one.repository, versions: await versionsOf(client, one) })),
    )
  } catch {
    signal.throwIfAborted()
    return []
  } finally {
    client.close()
  }
}

async function versionsOf(client: LocalClient, { repository, tags = [], digests }: Wanted): Promise<Version[]> {
  const found = await readVersions(client, repository, tags, labels.project, digests)
  if (found.length > 0 || tags.length === 0) return found
  return readVersions(client, repository, await readTags(client, repository), labels.project)
}
