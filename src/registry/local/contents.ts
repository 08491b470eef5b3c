import { RequestFailed } from '../protocol/failure.ts'
import { asObject, objectIn } from '../protocol/words.ts'
import type { LocalClient } from './client.ts'

/** An image that a registry holds, under one or several tags. */
export type Version = {
  digest: string
  tags: readonly string[]
  /** The parts of it, by their digests, in bytes. */
  parts: ReadonlyMap<string, number>
  /** The digests of the manifests that it consists of, where it is for several platforms. */
  manifests: readonly string[]
  created?: string
  /** Its label of that name. */
  project?: string
}

export type Stored = { repository: string; versions: readonly Version[] }

/**
 * All that the registry of this machine holds under a tag. Whatever has been pushed there may say anything of itself: only what
 * looks as it should is taken.
 * @throws RequestFailed
 */
export async function readContents(client: LocalClient, projectLabel: string): Promise<Stored[]> {
  const repositories = await readCatalogue(client)
  const all = await Promise.all(
    repositories.map(async repository => ({
      repository,
      versions: await readVersions(client, repository, await readTags(client, repository), projectLabel),
    })),
  )
  return all.filter(({ versions }) => versions.length > 0)
}

/** Each part once, however many versions share it. */
export function sizeOf(versions: readonly Pick<Version, 'parts'>[]): number {
  const parts = new Map(versions.flatMap(version => [...version.parts]))
  return [...parts.values()].reduce((sum, size) => sum + size, 0)
}

async function readCatalogue(client: LocalClient): Promise<string[]> {
  const found = new Set<string>()
  for (let last = ''; ; ) {
    const path = `/v2/_catalog?n=100${last ? `&last=${encodeURIComponent(last)}` : ''}`
    const answer = await client.ask(path)
    if (answer.status !== 200) throw new RequestFailed('http', 'odd-answer', `${path}: ${answer.status}`)
    const page = textsIn(answer.body, 'repositories', /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/)
    const before = found.size
    for (const name of page) found.add(name)
    last = page.at(-1) ?? ''
    const hasMore = /;\s*rel="?next"?/.test(String(answer.headers.link ?? ''))
    // One that gives the same page again would never end.
    if (!hasMore || found.size === before) return [...found]
  }
}

export async function readTags(client: LocalClient, repository: string): Promise<string[]> {
  const { body } = await client.ask(`/v2/${repository}/tags/list`)
  return textsIn(body, 'tags', /^\w[\w.-]{0,127}$/)
}

/** Those images of a repository that have one of these tags, or are asked for by digest. */
export async function readVersions(
  client: LocalClient,
  repository: string,
  tags: readonly string[],
  projectLabel: string,
  others: readonly string[] = [],
): Promise<Version[]> {
  const digests = await Promise.all(tags.map(tag => digestOf(client, `/v2/${repository}/manifests/${tag}`)))
  const all = [...new Set([...digests, ...others])].map(async (digest): Promise<Version[]> => {
    const image = digest && (await readImage(client, repository, digest, projectLabel))
    return image ? [{ ...image, digest, tags: tags.filter((_, index) => digests[index] === digest) }] : []
  })
  return (await Promise.all(all)).flat()
}

async function digestOf(client: LocalClient, path: string): Promise<string | undefined> {
  const { status, headers } = await client.ask(path, { method: 'HEAD', headers: { accept: manifestTypes } })
  const digest = String(headers['docker-content-digest'])
  return status === 200 && isDigest(digest) ? digest : undefined
}

type Image = Omit<Version, 'digest' | 'tags'>

async function readImage(
  client: LocalClient,
  repository: string,
  digest: string,
  projectLabel: string,
  depth = 0,
): Promise<Image | undefined> {
  const path = `/v2/${repository}/manifests/${digest}`
  const { status, body } = await client.ask(path, { headers: { accept: manifestTypes } })
  const manifest = status === 200 ? objectIn(body) : undefined
  if (!manifest) return undefined
  const platforms = partsIn(manifest.manifests)
  if (platforms.length === 0) {
    const [config] = partsIn([manifest.config])
    const told = config ? await readConfig(client, repository, config[0], projectLabel) : {}
    return { ...told, parts: new Map([...(config ? [config] : []), ...partsIn(manifest.layers)]), manifests: [] }
  }
  // An index of indexes is allowed, and one that goes on for ever is nobody's image.
  if (depth === 2) return undefined
  const manifests = platforms.map(([one]) => one)
  const images = await Promise.all(manifests.map(one => readImage(client, repository, one, projectLabel, depth + 1)))
  const there = images.filter(image => image !== undefined)
  const newest = there.toSorted((a, b) => (a.created ?? '').localeCompare(b.created ?? '')).at(-1)
  return {
    ...newest,
    parts: new Map(there.flatMap(({ parts }) => [...parts])),
    manifests: [...manifests, ...there.flatMap(image => image.manifests)],
  }
}

async function readConfig(
  client: LocalClient,
  repository: string,
  digest: string,
  projectLabel: string,
): Promise<Pick<Image, 'created' | 'project'>> {
  const { status, body } = await client.ask(`/v2/${repository}/blobs/${digest}`)
  const { created, config } = (status === 200 && objectIn(body)) || {}
  const project = asObject(asObject(config)?.Labels)?.[projectLabel]
  const time = typeof created === 'string' ? Date.parse(created) : Number.NaN
  return {
    ...(Number.isNaN(time) ? {} : { created: new Date(time).toISOString() }),
    ...(typeof project === 'string' ? { project } : {}),
  }
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

function textsIn(body: string, key: string, form: RegExp): string[] {
  const texts = objectIn(body)?.[key]
  return Array.isArray(texts)
    ? texts.filter(text => typeof text === 'string' && text.length < 256 && form.test(text))
    : []
}

function partsIn(list: unknown): [digest: string, size: number][] {
  return (Array.isArray(list) ? list : []).flatMap((part): [string, number][] => {
    const { digest, size } = asObject(part) ?? {}
    const isSize = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0
    return typeof digest === 'string' && isDigest(digest) && isSize ? [[digest, size]] : []
  })
}

function isDigest(text: string): boolean {
  return /^sha(256|512):[0-9a-f]{64,128}$/.test(text)
}
