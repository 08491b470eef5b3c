import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'

type Json = Record<string, unknown>

/** A registry's contents, from which it answers as one does: repositories, tags, manifests and blobs. */
export type LocalImages = {
  /** @returns the digest of the manifest, which gets the tags */
  put(repository: string, manifest: Json | string, ...tags: string[]): string
  /** An image of layers of these sizes; `name` makes a layer one that others may have too. */
  image(layers: Record<string, number>, config?: Json): Json
  asked: string[]
  deleted: string[]
  listener: RequestListener
}

export function localImages({ pageOf = 100, stuck = false } = {}): LocalImages {
  const blobs = new Map<string, string>()
  const manifests = new Map<string, string>()
  const tags = new Map<string, Map<string, string>>()
  const asked: string[] = []
  const deleted: string[] = []
  const put: LocalImages['put'] = (repository, manifest, ...names) => {
    const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest)
    const digest = digestOf(text)
    manifests.set(`${repository}@${digest}`, text)
    const known = tags.get(repository) ?? new Map<string, string>()
    for (const name of names) known.set(name, digest)
    tags.set(repository, known)
    return digest
  }
  return {
    put,
    asked,
    deleted,
    image(layers, config = {}) {
      const text = JSON.stringify(config)
      blobs.set(digestOf(text), text)
      return {
        schemaVersion: 2,
        config: { digest: digestOf(text), size: text.length },
        layers: Object.entries(layers).map(([name, size]) => ({ digest: digestOf(name), size })),
      }
    },
    listener(request, response) {
      const url = new URL(request.url ?? '/', 'http://any')
      asked.push(`${request.method} ${request.url}`)
      const [, repository = '', kind, reference = ''] =
        /^\/v2\/(.+)\/(tags|manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? []
      const answer = (body: string | undefined, headers: Record<string, string> = {}) =>
        response.writeHead(body === undefined ? 404 : 200, headers).end(body)
      if (url.pathname === '/v2/') return void answer('{}')
      if (url.pathname === '/v2/_catalog') {
        const names = [...tags.keys()].sort().filter(name => stuck || name > (url.searchParams.get('last') ?? ''))
        const page = names.slice(0, pageOf)
        const link = page.length < names.length ? { link: '</v2/_catalog?n=1&last=x>; rel="next"' } : undefined
        return void answer(JSON.stringify({ repositories: page }), link)
      }
      if (kind === 'tags')
        return void answer(JSON.stringify({ name: repository, tags: [...(tags.get(repository)?.keys() ?? [])] }))
      if (kind === 'blobs') return void answer(blobs.get(reference))
      const digest = tags.get(repository)?.get(reference) ?? reference
      if (request.method === 'DELETE') {
        deleted.push(`${repository}@${digest}`)
        return void response.writeHead(202).end()
      }
      answer(manifests.get(`${repository}@${digest}`), { 'docker-content-digest': digest })
    },
  }
}

export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
