import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { must, run } from './command.mjs'
import { ensureEngine, findEngine } from './engine.mjs'
import { ensureImages, removeStandIns } from './stand-ins.mjs'

describe('a command', () => {
  test('that fails is a result, and one that is not there too', async () => {
    expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    expect((await run('jiji-no-such-program', [])).code).toBe(127)
  })

  test('that must succeed throws its last words', async () => {
    await expect(must('sh', ['-c', 'echo no such luck >&2; exit 1'])).rejects.toThrow('no such luck')
  })

  test('is ended when its time is over, or when it is told', async () => {
    expect((await run('sleep', ['9'], { timeout: 20 })).code).toBe(124)
    expect((await run('sleep', ['9'], { signal: AbortSignal.timeout(20) })).code).toBe(125)
  })
})

describe('with engines that only pretend', () => {
  /** @type {string} */
  let bin
  const { PATH, DOCKER_HOST } = process.env

  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'jiji-bin-'))
    process.env.PATH = bin
  })
  afterEach(() => {
    process.env.PATH = PATH
    if (DOCKER_HOST === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = DOCKER_HOST
    rmSync(bin, { recursive: true })
  })

  /**
   * @param {string} name
   * @param {string} body
   */
  const pretend = (name, body) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`)
    chmodSync(join(bin, name), 0o755)
  }

  test('Docker comes before Podman, if it answers', async () => {
    pretend('docker', 'echo 28.0.0')
    pretend('podman', 'echo 5.0.0')
    expect((await findEngine()).engine).toBe('docker')
    pretend('docker', 'exit 1')
    expect((await findEngine()).engine).toBe('podman')
  })

  test('without any there is advice', async () => {
    process.env.DOCKER_HOST = 'tcp://127.0.0.1:1'
    expect(await findEngine()).toEqual({ engine: undefined, advice: expect.stringContaining('DOCKER_HOST=tcp://') })
    await expect(ensureEngine()).rejects.toThrow('does not answer')
  })

  test('images that are there are left alone', async () => {
    pretend('docker', '[ "$1 $2" = "image inspect" ] || exit 9')
    expect(await ensureImages('docker', ['caddy:2'])).toEqual({ present: ['caddy:2'], pulled: [], made: [] })
    await expect(ensureImages('docker', ['postgres:16'])).rejects.toThrow('no stand-in is known for postgres:16')
  })

  test('only stand-ins are removed', async () => {
    pretend('docker', 'case "$1 $5" in "image caddy:2" | "image node:20-slim") echo 1;; rmi*) ;; *) echo;; esac')
    expect(await removeStandIns('docker')).toEqual(['caddy:2', 'node:20-slim'])
  })
})
