import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { compositionOf } from '../../../src/registry/local/composition.ts'
import { digestOf, type LocalImages, localImages } from '../local-images.ts'
import { listen } from '../servers.ts'

const { signal } = new AbortController()
const bare = (digest: string) => digest.replace('sha256:', '')

async function composition({ listener }: Pick<LocalImages, 'listener'>, digest: string) {
  const port = Number((await listen(createServer(listener))).split(':')[1])
  return compositionOf(port, { repository: 'app', digest }, signal)
}

describe('what an image in the registry of this machine consists of', () => {
  test('is its ids, and the contents of its layers with their sizes', async () => {
    const images = localImages()
    const config = { rootfs: { diff_ids: ['sha256:1', 'sha256:2'] } }
    const digest = images.put('app', images.image({ base: 100, own: 20 }, config))
    expect(await composition(images, digest)).toEqual({
      ids: [bare(digestOf(JSON.stringify(config))), bare(digest)],
      layers: new Map([
        ['sha256:1', 100],
        ['sha256:2', 20],
      ]),
    })
  })
  test.each<[string, object | undefined]>([
    ['does not say what they hold', {}],
    ['says it of others', { rootfs: { diff_ids: ['sha256:1'] } }],
    ['says nonsense', { rootfs: { diff_ids: 'sha256:1' } }],
  ])('is no layers where its configuration %s', async (_, config) => {
    const images = localImages()
    const digest = images.put('app', images.image({ base: 100, own: 20 }, config as never))
    expect((await composition(images, digest)).layers).toEqual(new Map())
  })
  test.each(['{"manifests":[]}', 'no JSON', 'null', '{"config":{"digest":5},"layers":[]}'])(
    'is its digest alone where its manifest is %s',
    async manifest => {
      const images = localImages()
      const digest = images.put('app', manifest)
      expect(await composition(images, digest)).toEqual({ ids: [bare(digest)], layers: new Map() })
    },
  )
  test('is its digest alone where nobody answers', async () => {
    const image = { repository: 'app', digest: 'sha256:0' }
    expect(await compositionOf(1, image, signal)).toEqual({ ids: ['0'], layers: new Map() })
  })
})
