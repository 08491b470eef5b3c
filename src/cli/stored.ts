import type { Config } from '../config/config.ts'
import { renderSize } from '../deploy/size.ts'
import { clientOfLocal } from '../registry/local/client.ts'
import { readContents, type Stored, sizeOf } from '../registry/local/contents.ts'
import { RequestFailed } from '../registry/protocol/failure.ts'
import { labels } from '../shell/names.ts'
import { renderAge } from '../ui/age.ts'
import type { Context } from './context.ts'

/** What the local registry holds; nothing where it does not run. */
export async function readStored({ signal, output }: Context, { builder: { registry } }: Config): Promise<Stored[]> {
  if (registry.type !== 'local') return []
  const client = clientOfLocal(registry.port, signal)
  try {
    return (await client.answers()) ? await readContents(client, labels.project) : []
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    output.warn(`the local registry does not say what it holds: ${error.message}`)
    return []
  } finally {
    client.close()
  }
}

export function imagesOf({ repository, versions }: Stored): object {
  const tags = versions.flatMap(({ tags, digest, created, ...version }) =>
    tags.map(tag => ({ tag, digest, size: sizeOf([version]), created: created ?? null })),
  )
  return { repository, tags }
}

export function showStored({ output }: Context, stored: readonly Stored[]): void {
  const rows = stored.map(({ repository, versions }) => {
    const newest = versions
      .flatMap(({ created }) => created ?? [])
      .toSorted()
      .at(-1)
    const tags = versions.flatMap(one => one.tags)
    return [repository, String(tags.length), renderSize(sizeOf(versions)), renderAge(newest, new Date())]
  })
  const all = renderSize(sizeOf(stored.flatMap(({ versions }) => versions)))
  output.result('')
  output.table(['repository', 'versions', 'size', 'newest'], rows)
  output.result(`the local registry holds ${all}; what images share is counted once`)
}
