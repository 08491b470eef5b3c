import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { renderSize } from '../../src/deploy/size.ts'
import { watchTransfer } from '../../src/deploy/transfer.ts'
import { layersOf } from '../../src/registry/local/layers.ts'
import { renderProgress, renderTransfer } from '../../src/ui/progress.ts'

const digest = (letter: string) => `sha256:${letter.repeat(64)}`
const get = (path: string, method = 'GET') => Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
const blob = (letter: string) => `/v2/app-web/blobs/${digest(letter)}`

describe('what goes through a tunnel', () => {
  const watched = () => {
    let time = 0
    const sizes = new Map([
      [digest('a'), 1000],
      [digest('b'), 3000],
      [digest('c'), 500],
    ])
    const transfer = watchTransfer(sizes, () => time)
    const wait = (milliseconds: number) => {
      time += milliseconds
    }
    const { guard, onAnswer } = transfer.attend(() => {})
    const answer = (bytes: number) => onAnswer?.(Buffer.alloc(bytes))
    return { transfer, ask: guard, answer, wait }
  }
  test('is what was asked for: the rest was there', () => {
    const { transfer, ask, answer, wait } = watched()
    expect(transfer.progress()).toEqual({ there: 3, parts: 3, wanted: 0, sent: 0, rate: 0, left: 0 })
    answer(50) // the manifest
    ask(get('/v2/app-web/manifests/1'))
    ask(get(blob('a')))
    answer(400)
    wait(2000)
    expect(transfer.progress()).toEqual({ there: 2, parts: 3, wanted: 1000, sent: 400, rate: 200, left: 3 })
    ask(get(blob('b')))
    answer(3600)
    wait(2000)
    expect(transfer.progress()).toEqual({ there: 1, parts: 3, wanted: 4000, sent: 4000, rate: 1000, left: 0 })
  })
  test('is counted once, however often it is asked for', () => {
    const { transfer, ask } = watched()
    for (let round = 0; round < 3; round++) ask(get(blob('a')))
    expect(transfer.progress()).toMatchObject({ there: 2, wanted: 1000 })
  })
  test('is not what is only looked at, or belongs to others', () => {
    const { transfer, ask } = watched()
    ask(get(blob('a'), 'HEAD'))
    ask(get(blob('d')))
    ask(get('/v2/app-web/blobs/uploads/'))
    expect(transfer.progress()).toMatchObject({ there: 3, wanted: 0 })
  })
})

describe('the parts of images in the registry', () => {
  const servers: Server[] = []
  afterAll(() => {
    for (const server of servers) server.close().closeAllConnections()
  })
  const registry = async (manifests: Record<string, unknown>) => {
    const server = createServer(({ url }, response) => {
      const found = manifests[url?.split('/').at(-1) ?? '']
      response.writeHead(found === undefined ? 404 : 200).end(typeof found === 'string' ? found : JSON.stringify(found))
    })
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const part = (letter: string, size: unknown) => ({ digest: digest(letter), size })
  const { signal } = new AbortController()

  test('are counted once where images share them', async () => {
    const port = await registry({
      one: { config: part('a', 10), layers: [part('b', 20), part('c', 30)] },
      two: { config: part('d', 40), layers: [part('b', 20)] },
    })
    const images = ['one', 'two'].map(name => ({ repository: 'app', digest: name }))
    expect([...(await layersOf(port, images, signal)).values()]).toEqual([10, 20, 30, 40])
  })
  test.each<[string, unknown]>([
    ['a list of manifests', { manifests: [part('a', 5)] }],
    ['no JSON', 'not JSON'],
    ['sizes of a wrong kind', { config: part('a', '5'), layers: [part('b', -1), null, 5, { digest: 5, size: 5 }] }],
    ['null', 'null'],
  ])('are none where there is %s', async (_, manifest) => {
    const port = await registry({ one: manifest })
    expect([...(await layersOf(port, [{ repository: 'app', digest: 'one' }], signal))]).toEqual([])
  })
  test('are none where no registry answers', async () => {
    expect([...(await layersOf(1, [{ repository: 'app', digest: 'one' }], signal))]).toEqual([])
  })
})

describe('how far it is', () => {
  const progress = { there: 2, parts: 5, wanted: 200e6, sent: 41.2e6, rate: 31e6, left: 5.1 }
  test('is said while it goes on', () => expect(renderProgress(progress)).toBe('41 MB of 200 MB, 31 MB/s, 6 s left'))
  test('is said when nothing has begun', () => {
    expect(renderProgress({ ...progress, wanted: 0, sent: 0, rate: 0, left: 0 })).toBe('nothing has been asked for yet')
  })
  test('is said when all of it is there', () => {
    expect(renderProgress({ ...progress, sent: 201e6, left: 0 })).toBe('200 MB are there, and are being unpacked')
  })
  test.each<[object, string]>([
    [{}, '3 of 5 parts were missing, 41 MB'],
    [{ there: 5 }, 'all of it was there'],
  ])('is said in the end: %j', (over, text) => expect(renderTransfer({ ...progress, ...over })).toBe(text))
  test.each<[number, string]>([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1549, '1.5 kB'],
    [12_345_678, '12 MB'],
    [456_000_000, '456 MB'],
    [2.25e9, '2.3 GB'],
    [5e15, '5000 TB'],
  ])('%s bytes are %s', (bytes, text) => expect(renderSize(bytes)).toBe(text))
})
