import { RequestFailed } from '../protocol/failure.ts'
import { asObject, objectIn } from '../protocol/words.ts'
import { clientOfLocal } from './client.ts'

/** An image as an engine that has it knows it. */
export type Composition = {
  /** It goes by the digest of its configuration, on some engines by that of its manifest; without `sha256:`. */
  ids: readonly string[]
  /** Its layers by the digests of what is in them, with their sizes in the registry; none where that cannot be read. */
  layers: ReadonlyMap<string, number>
}

/** What an image in this machine's registry consists of. */
export async function compositionOf(
  port: number,
  { repository, digest }: { repository: string; digest: string },
  signal: AbortSignal,
): Promise<Composition> {
  const client = clientOfLocal(port, signal)
  const read = async (path: string, accept: string) => {
    const { status, body } = await client.ask(`/v2/${repository}/${path}`, { headers: { accept } })
    return (status === 200 && objectIn(body)) || {}
  }
  try {
    const manifest = await read(`manifests/${digest}`, manifestTypes)
    const config = asObject(manifest.config)?.digest
    if (typeof config !== 'string' || !Array.isArray(manifest.layers)) return { ids: [bare(digest)], layers: new Map() }
    const { rootfs } = await read(`blobs/${config}`, '*/*')
    return { ids: [bare(config), bare(digest)], layers: layersOf(manifest.layers, asObject(rootfs)?.diff_ids) }
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    return { ids: [bare(digest)], layers: new Map() }
  } finally {
    client.close()
  }
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** The configuration has the layers in the same order as the manifest. */
function layersOf(parts: readonly unknown[], contents: unknown): Map<string, number> {
  if (!Array.isArray(contents) || contents.length !== parts.length) return new Map()
  return new Map(
    parts.map((part, index): [string, number] => {
      const { size } = asObject(part) ?? {}
      return [String(contents[index]), typeof size === 'number' && size >= 0 ? size : 0]
    }),
  )
}

function bare(digest: string): string {
  return digest.replace(/^sha256:/, '')
}
