import { connect, createServer, type Socket } from 'node:net'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { memoryRing } from '../../src/runner/memory-ring.ts'

const size = 32_000

let socket: Socket
let reader: Socket

beforeEach(async () => {
  const server = createServer({ pauseOnConnect: true })
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  reader = await accepted
  onTestFinished(() => {
    socket.destroy()
    reader.destroy()
    server.close()
  })
})

test('memory is not handed out again while what lies in it has not been sent', async () => {
  const take = memoryRing(socket)
  let given = 0
  for (let index = 0; index < 1_000; index++) {
    const piece = take(size)
    if (piece) given += 1
    socket.write((piece ?? Buffer.alloc(size)).fill(index % 251))
    if (index % 10 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  expect(given).toBeGreaterThan(100)
  expect(given).toBeLessThan(1_000)

  const chunks: Buffer[] = []
  reader.on('data', chunk => chunks.push(chunk)).resume()
  socket.end()
  await new Promise(resolve => reader.once('end', resolve))
  const received = Buffer.concat(chunks)
  const isWhole = (index: number) =>
    received.subarray(index * size, (index + 1) * size).equals(Buffer.alloc(size, index % 251))
  expect(received.length).toBe(1_000 * size)
  expect([...Array(1_000).keys()].filter(index => !isWhole(index))).toEqual([])
})

test('memory is handed out again once it has been sent, whatever the sizes', async () => {
  reader.resume()
  const take = memoryRing(socket)
  const memory = new Set<unknown>()
  for (let index = 0; index < 2_000; index++) {
    const piece = take(1_000 + ((index * 7_919) % 64_000))
    if (piece) socket.write(piece)
    memory.add(piece?.buffer)
    if (index % 50 === 0) await expect.poll(() => socket.writableLength).toBe(0)
  }
  expect(memory.has(undefined)).toBe(false)
  expect(memory.size).toBe(16)
  expect(take(1_000_000)).toBeUndefined()
})
