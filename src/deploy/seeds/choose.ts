import type { Composition } from '../../registry/local/composition.ts'

/** A server that needs images which were built here, and what is known of it. */
export type Needs = {
  server: string
  /** Whom it gets them from by the configuration, false for this machine, undefined where that is to be found out. */
  seed: string | false | undefined
  /** Whether another server could reach it by the address that it has here. */
  isReachable: boolean
  /** The digests of images, as they were pushed for it, by their names. */
  images: ReadonlyMap<string, string>
  has: Holding
}

/** What a server has on its disk: ids of images by their names, and the contents of layers. */
export type Holding = { images: ReadonlyMap<string, string>; layers: ReadonlySet<string> }

/** A server gets these images from another one; what else it needs it gets from here. */
export type Way = { from: string; images: readonly string[]; isConfigured: boolean }

/** By the digests of images. */
export type Compositions = ReadonlyMap<string, Composition>

/**
 * Which servers get images from another one, and from which. What the configuration says is done. Else it must pay: all
 * layers of an image go from server to server, and only those that are missing from here. Of those that could hand
 * images on, the one is taken that saves this machine most: one that has them already, or the first.
 */
export function chooseWays(servers: readonly Needs[], compositions: Compositions): Map<string, Way> {
  const ways = new Map(servers.flatMap(one => configuredWay(one, servers, compositions)))
  for (;;) {
    const [best] = servers
      .filter(({ server }) => ways.get(server)?.isConfigured !== false)
      .map(seed => takersOf(seed, servers, ways, compositions))
      .toSorted((a, b) => b.saves - a.saves)
    if (!best || best.saves < leastSaving) return ways
    for (const [server, way] of best.takers) ways.set(server, way)
  }
}

/** Bytes: less is sent to all servers before one has asked whom it may log in to. */
const leastSaving = 10_000_000

/** Of a server that lacks less of its images, all would go over the network for the sake of little. */
const leastShare = 0.1

function configuredWay(one: Needs, servers: readonly Needs[], compositions: Compositions): [string, Way][] {
  const seed = servers.find(({ server }) => server === one.seed)
  const images = seed ? sharedWith(seed, one, compositions) : []
  return seed && images.length > 0 ? [[one.server, { from: seed.server, images, isConfigured: true }]] : []
}

function takersOf(
  seed: Needs,
  servers: readonly Needs[],
  ways: ReadonlyMap<string, Way>,
  compositions: Compositions,
): { saves: number; takers: [string, Way][] } {
  const isNamed = new Set(servers.map(one => one.seed)) // and so is first in its site
  const takers = servers.flatMap((one): { saves: number; taker: [string, Way] }[] => {
    if (one.seed !== undefined || isNamed.has(one.server) || !one.isReachable || ways.has(one.server)) return []
    if (leadsTo(ways, seed.server, one.server)) return []
    const images = sharedWith(seed, one, compositions)
    const digests = images.map(image => one.images.get(image) ?? '')
    const saves = bytesOf(digests, compositions, one.has)
    if (saves === 0 || saves < leastShare * bytesOf(digests, compositions)) return []
    return [{ saves, taker: [one.server, { from: seed.server, images, isConfigured: false }] }]
  })
  return { saves: takers.reduce((sum, { saves }) => sum + saves, 0), takers: takers.map(({ taker }) => taker) }
}

/** The images that one server lacks and the other has, or gets: the very same, for the same architecture. */
function sharedWith(seed: Needs, one: Needs, compositions: Compositions): string[] {
  const isShared = ([image, digest]: [string, string]) => seed.images.get(image) === digest
  const shared = new Map([...one.images].filter(isShared))
  return absentOf(shared, one.has.images, compositions)
}

/** Which images are not there, whatever goes by their names. */
export function absentOf(images: Needs['images'], ids: Holding['images'], compositions: Compositions): string[] {
  const isThere = ([image, digest]: [string, string]) =>
    compositions.get(digest)?.ids.includes(ids.get(image) ?? '') ?? false
  return [...images].filter(one => !isThere(one)).map(([image]) => image)
}

/** What images weigh in the registry, without the layers that are there. */
function bytesOf(digests: readonly string[], compositions: Compositions, has?: Holding): number {
  const layers = new Map(digests.flatMap(digest => [...(compositions.get(digest)?.layers ?? [])]))
  return [...layers].reduce((sum, [content, size]) => (has?.layers.has(content) ? sum : sum + size), 0)
}

/** Whether a server gets its images from another one, be it over several. It does from itself. */
function leadsTo(ways: ReadonlyMap<string, Way>, from: string, to: string): boolean {
  for (let server: string | undefined = from; server; server = ways.get(server)?.from) if (server === to) return true
  return false
}
