import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { ensureRegistry, removeRegistry } from '../../../src/registry/local/container.ts'
import { recorder } from '../../../src/runner/recorder.ts'
import type { Output } from '../../../src/runner/runner.ts'
import { exits } from '../../../src/shell/engine.ts'
import { listen } from '../servers.ts'

const listening = async (status: number) =>
  Number((await listen(createServer((_, response) => response.writeHead(status).end()))).split(':')[1])

describe('the registry of this machine', () => {
  const ensure = (port: number, answer: Partial<Output>, signal?: AbortSignal) =>
    ensureRegistry(
      recorder('here', () => answer),
      'docker',
      { type: 'local', port, image: 'registry:2' },
      signal,
    )

  test('is there when it answers', async () => {
    const port = await listening(200)
    expect(await ensure(port, { stdout: 'already\n' })).toEqual({ state: 'already' })
    expect(await ensure(port, { stdout: 'started\n' })).toEqual({ state: 'done' })
  })
  test.each<[string, (port: number) => string, string]>([
    [
      'port',
      () => 'registry:2 1',
      'its port changed from 1 to PORT: all projects of this machine share it, and need the same builder.registry.port',
    ],
    ['image', port => `registry:1 ${port}`, 'its image changed from registry:1 to registry:2'],
    ['label, in no way that matters', port => `registry:2 ${port}`, ''],
  ])('says that another %s is wanted now', async (_, was, change) => {
    const port = await listening(200)
    const ensured = await ensure(port, { stdout: `was ${was(port)}\nstarted\n` })
    expect(ensured).toEqual({ state: 'done', ...(change ? { change: change.replace('PORT', `${port}`) } : {}) })
  })
  test.each<[Partial<Output>, object]>([
    [{ code: exits.engineMissing }, { code: 'engine.missing' }],
    [
      { code: exits.notOurs },
      { code: 'name.taken', hint: expect.stringContaining('docker rename jiji-registry NAME') },
    ],
    [
      { code: 125, stderr: 'no\n' },
      {
        code: 'engine.failed',
        message: 'the local registry could not be started: no',
        hint: expect.stringMatching(/^ports below 1024 are for root alone, .* builder\.registry\.port names another$/),
      },
    ],
  ])('cannot be started: %j', async (answer, expected) => {
    await expect(ensure(1, answer)).rejects.toMatchObject(expected)
  })
  test('cannot be started where something else has the port', async () => {
    const port = await listening(404)
    await expect(ensure(port, { code: 125 })).rejects.toMatchObject({
      code: 'port.taken',
      message: `port ${port} of this machine is in use, and not by the local registry`,
      hint: expect.stringContaining('builder.registry.port names another'),
    })
    const restarted = { code: 125, stdout: `was registry:1 ${port}\n`, stderr: 'no such image\n' }
    await expect(ensure(port, restarted)).rejects.toMatchObject({ code: 'engine.failed' })
  })
  test('is waited for until we are interrupted', async () => {
    const interrupt = new AbortController()
    const waiting = ensure(await listening(500), {}, interrupt.signal)
    setTimeout(() => interrupt.abort(new Error('ctrl-c')), 30)
    await expect(waiting).rejects.toThrow('ctrl-c')
  })
  const remove = (answer: Partial<Output>) =>
    removeRegistry(
      recorder('here', () => answer),
      'docker',
    )
  test.each<[Partial<Output>, string]>([
    [{ stdout: 'already\n' }, 'already'],
    [{ stdout: 'done\n' }, 'done'],
  ])('is taken away: %j', async (answer, state) => {
    expect(await remove(answer)).toBe(state)
  })
  test.each<[Partial<Output>, string]>([
    [{ code: 1, stderr: 'no\n' }, 'engine.failed'],
    [{ code: exits.engineDenied }, 'engine.denied'],
    [{ code: exits.notOurs }, 'name.taken'],
  ])('cannot be taken away: %j', async (answer, code) => {
    await expect(remove(answer)).rejects.toMatchObject({ code })
  })
})
