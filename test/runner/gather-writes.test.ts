import { createServer } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { directRoute } from '../../src/runner/route.ts'

test('the way to a server sends in one system call what is written in one turn', async () => {
  const received: Buffer[] = []
  const server = createServer(socket => socket.on('data', chunk => received.push(chunk)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const peer = { server: 'web1', address: `127.0.0.1:${port}`, label: 'web1' }
  const { stream, close } = await directRoute('127.0.0.1', port, { peer, timeout: 5_000 })
  const one = vi.spyOn(stream, '_write')
  const several = vi.spyOn(stream as Required<typeof stream>, '_writev')
  for (const text of ['one ', 'two ', 'three']) stream.write(text)
  await expect.poll(() => String(Buffer.concat(received))).toBe('one two three')
  expect([one.mock.calls.length, several.mock.calls.length]).toEqual([0, 1])
  await close()
})
