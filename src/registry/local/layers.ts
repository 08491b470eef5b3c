import { dialHere } from '../protocol/dial.ts'
import { createClient } from '../protocol/http.ts'
import { asObject, objectIn } from '../protocol/words.ts'

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

/**
 * The parts of images in this machine's registry, by their digests, with their sizes in bytes; a part that several images
 * share is there once. None of an image whose manifest cannot be read: then nothing can be said of its size.
 */
export async function layersOf(
  port: number,
  images: readonly { repository: string; digest: string }[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const client = createClient({ dial: dialHere, trust: { sets: [], check: async () => {} }, signal })
  const read = async ({ repository, digest }: { repository: string; digest: string }) => {
    const address = `http://127.0.0.1:${port}/v2/${repository}/manifests/${digest}`
    const { status, body } = await client.ask(address, { headers: { accept: manifestTypes.join(', ') } })
    return status === 200 ? partsIn(body) : []
  }
  try {
    const parts = await Promise.all(images.map(image => read(image).catch(() => [])))
    signal.throwIfAborted()
    return new Map(parts.flat())
  } finally {
    client.close()
  }
}

function partsIn(manifest: string): [digest: string, size: number][] {
  const { config, layers } = objectIn(manifest) ?? {}
  return [config, ...(Array.isArray(layers) ? layers : [])].flatMap((part): [string, number][] => {
    const { digest, size } = asObject(part) ?? {}
    return typeof digest === 'string' && typeof size === 'number' && size >= 0 ? [[digest, size]] : []
  })
}
