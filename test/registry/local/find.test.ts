import { createServer, type RequestListener } from 'node:http'
import { expect, test } from 'vitest'
import { findStored, type Wanted } from '../../../src/registry/local/find.ts'
import { localImages } from '../local-images.ts'
import { listen } from '../servers.ts'

const { signal } = new AbortController()
const portOf = async (listener: RequestListener) => Number((await listen(createServer(listener))).split(':')[1])

/** Tags and sizes of what was found. */
async function found(port: number, ...wanted: Wanted[]) {
  const all = await findStored(port, wanted, signal)
  return all.map(({ versions }) =>
    versions.map(({ tags, parts }) => `${tags.join(' ') || '-'}: ${[...parts.values()].slice(1)}`),
  )
}

test('of a repository the images that are asked for are found, and where there are none all of them', async () => {
  const images = localImages()
  const port = await portOf(images.listener)
  const replaced = images.put('web', images.image({ base: 10, one: 1 }), 'v1')
  images.put('web', images.image({ base: 10, two: 2 }), 'v1')
  images.put('web', images.image({ base: 10, three: 3 }), 'v3')
  expect(await found(port, { repository: 'web', tags: ['v1'], digests: [replaced] })).toEqual([['v1: 10,2', '-: 10,1']])
  expect(images.asked.some(line => line.includes('tags/list') || line.includes('v3'))).toBe(false)
  expect(await found(port, { repository: 'web', tags: ['v9'], digests: [] })).toEqual([['v1: 10,2', 'v3: 10,3']])
  expect(
    await found(
      port,
      { repository: 'web', tags: [], digests: ['sha256:gone'] },
      { repository: 'none', tags: ['v1'], digests: [] },
    ),
  ).toEqual([[], []])
})

test.each<[string, RequestListener]>([
  ['gives no answer', () => {}],
  ['breaks off', request => request.socket.destroy()],
  ['is no registry', (_, response) => response.end('hello')],
])('nothing is found, and soon, where what listens %s', async (_, listener) => {
  const began = performance.now()
  const all = await found(await portOf(listener), { repository: 'web', tags: ['v1'], digests: [] })
  expect(all.flat()).toEqual([])
  expect(performance.now() - began).toBeLessThan(2000)
})

test('nothing is found where nothing listens; an interrupt is one', async () => {
  expect(await findStored(1, [{ repository: 'web', digests: ['sha256:0'] }], signal)).toEqual([])
  const port = await portOf(() => {})
  await expect(findStored(port, [{ repository: 'web', digests: ['a'] }], AbortSignal.abort())).rejects.toThrow()
})
