import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { clientOfLocal } from '../../../src/registry/local/client.ts'
import { readContents, sizeOf } from '../../../src/registry/local/contents.ts'
import { digestOf, type LocalImages, localImages } from '../local-images.ts'
import { listen } from '../servers.ts'

async function contentsOf({ listener }: Pick<LocalImages, 'listener'>) {
  const port = Number((await listen(createServer(listener))).split(':')[1])
  const client = clientOfLocal(port)
  try {
    return await readContents(client, 'jiji.project')
  } finally {
    client.close()
  }
}

describe('what the registry of this machine holds', () => {
  test('is each image once, with its tags, its parts, its time and its project', async () => {
    const images = localImages()
    const config = { created: '2026-01-31T12:00:00.5Z', config: { Labels: { 'jiji.project': 'shop' } } }
    const digest = images.put('shop-web', images.image({ base: 100, one: 20 }, config), 'v1', 'v2')
    const size = JSON.stringify(config).length
    const contents = await contentsOf(images)
    expect(contents).toEqual([
      {
        repository: 'shop-web',
        versions: [
          {
            digest,
            tags: ['v1', 'v2'],
            parts: new Map([
              [digestOf(JSON.stringify(config)), size],
              [digestOf('base'), 100],
              [digestOf('one'), 20],
            ]),
            manifests: [],
            created: '2026-01-31T12:00:00.500Z',
            project: 'shop',
          },
        ],
      },
    ])
  })
  test('counts what images share once', async () => {
    const images = localImages()
    images.put('a', images.image({ base: 1000, one: 20 }), 'v1')
    images.put('a', images.image({ base: 1000, two: 3 }), 'v2')
    images.put('b/c', images.image({ base: 1000 }), 'v1')
    const contents = await contentsOf(images)
    expect(contents.map(({ repository, versions }) => `${repository} ${sizeOf(versions)}`)).toEqual([
      'a 1025',
      'b/c 1002',
    ])
    expect(sizeOf(contents.flatMap(({ versions }) => versions))).toBe(1025)
  })
  test('may be for several platforms', async () => {
    const images = localImages()
    const [arm = '', amd = ''] = ['2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z'].map(created =>
      images.put('a', images.image({ base: 1000, [created]: 5 }, { created })),
    )
    const list = { manifests: [arm, amd, digestOf('not pushed')].map(digest => ({ digest, size: 1 })) }
    images.put('a', list, 'v1')
    const [stored] = await contentsOf(images)
    expect(stored?.versions).toHaveLength(1)
    expect(stored?.versions[0]).toMatchObject({
      manifests: [arm, amd, digestOf('not pushed')],
      created: '2026-01-02T00:00:00.000Z',
    })
    expect(sizeOf(stored?.versions ?? [])).toBe(1010 + 2 * '{"created":"2026-01-01T00:00:00Z"}'.length)
  })
  test('comes page by page', async () => {
    const images = localImages({ pageOf: 2 })
    for (const name of ['a', 'b', 'c', 'd', 'e']) images.put(name, images.image({}), 'v1')
    expect((await contentsOf(images)).map(({ repository }) => repository)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
  test('comes to an end where the pages do not', async () => {
    const images = localImages({ pageOf: 1, stuck: true })
    for (const name of ['a', 'b']) images.put(name, images.image({}), 'v1')
    expect(await contentsOf(images)).toHaveLength(1)
  })
  test('is only what looks as it should', async () => {
    const images = localImages()
    for (const name of ['../x', 'a/../b', 'A', 'a b', `${'a'.repeat(300)}`]) images.put(name, images.image({}), 'v1')
    images.put(
      'a',
      images.image({}, { created: 'yesterday', config: { Labels: { 'jiji.project': 5 } } }),
      'v1',
      '../v2',
    )
    images.put('b', '{"layers":[{"digest":"x","size":5},{"digest":5},null,{"size":-1}]}', 'v1')
    images.put('c', 'no JSON', 'v1')
    const loop = { manifests: [{ digest: digestOf('any'), size: 1e99 }] }
    images.put('d', loop, 'v1')
    const contents = await contentsOf(images)
    expect(contents.map(({ repository, versions }) => `${repository} ${versions.flatMap(({ tags }) => tags)}`)).toEqual(
      ['a v1', 'b v1', 'd v1'],
    )
    expect(contents.map(({ versions }) => versions[0]?.created ?? versions[0]?.project)).toEqual(
      Array(3).fill(undefined),
    )
    expect(images.asked.filter(one => /\.\./.test(one))).toEqual([])
  })
  test.each([['null'], ['[]'], ['{"repositories":"a"}'], ['{"repositories":[null,5,{}]}'], ['<html>']])(
    'is nothing where the answer is %s',
    async body => {
      expect(await contentsOf({ listener: (_, response) => response.end(body) })).toEqual([])
    },
  )
  test('is an error where there is no answer', async () => {
    await expect(contentsOf({ listener: (_, response) => response.writeHead(500).end() })).rejects.toMatchObject({
      phase: 'http',
    })
    await expect(readContents(clientOfLocal(1), 'x')).rejects.toMatchObject({ phase: 'connect' })
  })
})
