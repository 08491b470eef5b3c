import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { JijiError } from '../../src/errors.ts'
import { localRunner } from '../../src/runner/local.ts'
import type { Runner } from '../../src/runner/runner.ts'
import { connectSsh } from '../../src/runner/ssh.ts'
import { sh } from '../../src/shell/script.ts'
import { type Home, hasSshd, makeHome, removeHome, type Sshd, startSshd } from './sshd.ts'

const grace = 500

describe.each(hasSshd ? ['local', 'ssh'] : ['local'])('a script, %s', kind => {
  let home: Home
  let sshd: Sshd | undefined
  let runner: Runner
  let folder: string

  beforeAll(async () => {
    home = makeHome()
    folder = mkdtempSync(join(tmpdir(), 'jiji-run-'))
    sshd = kind === 'ssh' ? await startSshd(home) : undefined
    runner = sshd
      ? await connectSsh(sshd.target(), { environment: home.environment, timings: { grace } })
      : localRunner('web1', { grace })
  })
  afterAll(async () => {
    await runner.close()
    await sshd?.stop()
    removeHome(home)
    rmSync(folder, { recursive: true })
  })

  describe('that is fed', () => {
    const bytes = randomBytes(3_000_000)
    const hash = createHash('sha256').update(bytes).digest('hex')
    const pieces = function* () {
      for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001)
    }
    test('gets every byte of its input, and then its end', async () => {
      const script = sh`echo ready; sha256sum <&3; echo after`
      const { code, stdout } = await runner.run(script, { input: Readable.from(pieces()) })
      expect([code, stdout]).toEqual([0, `ready\n${hash}  -\nafter\n`])
    })
    test('may end before it has read all', async () => {
      const { code, stdout } = await runner.run(sh`echo ready; head -c 5 <&3 | wc -c; exit 4`, {
        input: Readable.from(pieces()),
      })
      expect([code, stdout.replaceAll(' ', '')]).toEqual([4, 'ready\n5\n'])
    })
    test('is ended when its input breaks off', async () => {
      const input = new PassThrough()
      const running = runner.run(sh`echo ready; cat <&3 >/dev/null; sleep 5`, {
        input,
        onLine: line => line === 'ready' && input.destroy(new Error('the source broke')),
      })
      await expect(running).rejects.toThrow('the source broke')
    })
    test('can be given up', async () => {
      const interrupt = new AbortController()
      const running = runner.run(sh`echo ready; cat <&3 >/dev/null`, {
        input: new PassThrough(),
        signal: interrupt.signal,
        onLine: () => interrupt.abort(new Error('ctrl-c')),
      })
      await expect(running).rejects.toThrow('ctrl-c')
    })
  })

  test('gives its output and exit code', async () => {
    expect(await runner.run(sh`echo out; echo err >&2; exit 3`)).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' })
    expect(await runner.run(sh`true`)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await runner.run(sh`no-such-command`)).code).toBe(127)
  })

  test('gets words and secrets as they are', async () => {
    const odd = `a'b"c$HOME\\ \`id\`\n*ü`
    expect((await runner.run(sh`printf %s ${odd}`)).stdout).toBe(odd)
    expect((await runner.run(sh`printf %s ${new Secret('PASSWORD', odd)}`)).stdout).toBe(odd)
  })

  test('may be larger than any pipe', async () => {
    const large = 'x'.repeat(3_000_000)
    expect((await runner.run(sh`wc -c <<'END'\n${sh`${large}`}\nEND`)).stdout.trim()).toBe('3000001')
  })

  test('may say much, on both streams', async () => {
    const { stdout, stderr, code } = await runner.run(
      sh`head -c 8000000 /dev/zero | tr '\\0' a; head -c 6000000 /dev/zero | tr '\\0' b >&2; exit 5`,
    )
    expect([stdout.length, stderr.length, code]).toEqual([8_000_000, 6_000_000, 5])
  })

  test('that writes without end is stopped', async () => {
    const run = runner.run(sh`on_exit() { kill "$child"; }; interruptible cat /dev/zero`)
    await expect(run).rejects.toMatchObject({ code: 'failed', server: runner.server, message: /more than 128 MiB/ })
  })
  test('may write a line that is very long', async () => {
    const lines: number[] = []
    await runner.run(sh`head -c 3000000 /dev/zero; echo; echo end`, { onLine: line => lines.push(line.length) })
    expect(lines).toEqual([3_000_000, 3])
  })
  test('that is killed gives 128 and the signal, as a shell does', async () => {
    expect((await runner.run(sh`kill -KILL $$`)).code).toBe(137)
  })

  test('has its lines reported as they come, with characters whole', async () => {
    const lines: string[] = []
    const seen: number[] = []
    const began = Date.now()
    const output = await runner.run(
      sh`printf 'one\\nt\\303'; sleep 0.3; printf '\\274rn\\n\\n\\342\\202'; sleep 0.1; printf '\\254'; echo err >&2`,
      {
        onLine: (line, stream) => {
          lines.push(`${stream}: ${line}`)
          seen.push(Date.now() - began)
        },
      },
    )
    expect(output.stdout).toBe('one\ntürn\n\n€')
    expect(lines.filter(line => line.startsWith('stdout'))).toEqual([
      'stdout: one',
      'stdout: türn',
      'stdout: ',
      'stdout: €',
    ])
    expect(lines).toContain('stderr: err')
    expect(seen[0]).toBeLessThan((seen[1] ?? 0) - 150)
  })

  test('whose line reader throws is stopped, and the error comes out', async () => {
    const file = join(folder, 'reader')
    const run = runner.run(sh`on_exit() { touch ${file}; }; echo hi; interruptible sleep 5`, {
      onLine: () => {
        throw new Error('not understood')
      },
    })
    await expect(run).rejects.toThrow('not understood')
    expect(existsSync(file)).toBe(true)
  })

  test('cleans up when its signal aborts, and the reason comes out', async () => {
    const file = join(folder, 'abort')
    const controller = new AbortController()
    const run = runner.run(sh`on_exit() { sleep 0.2; echo cleaned > ${file}; }; echo ready; interruptible sleep 5`, {
      signal: controller.signal,
      onLine: () => controller.abort(new JijiError('interrupted', 'ctrl-c')),
    })
    await expect(run).rejects.toMatchObject({ code: 'interrupted', message: 'ctrl-c' })
    expect(readFileSync(file, 'utf8')).toBe('cleaned\n')
  })

  test('throws an Error also when the reason is none', async () => {
    const controller = new AbortController()
    const run = runner.run(sh`echo ready; interruptible sleep 5`, {
      signal: controller.signal,
      onLine: () => controller.abort('why not'),
    })
    await expect(run).rejects.toMatchObject({ code: 'interrupted', cause: 'why not' })
  })

  test('does not start when its signal has aborted already', async () => {
    const file = join(folder, 'never')
    const reason = new Error('too late')
    await expect(runner.run(sh`touch ${file}`, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await sleep(100)
    expect(existsSync(file)).toBe(false)
  })

  test('that does not end when interrupted is given up after the grace', async () => {
    const began = Date.now()
    const file = join(folder, 'pids')
    const controller = new AbortController()
    const run = runner.run(sh`trap '' TERM; sleep 5 & echo $$ $! > ${file}; echo ready; wait`, {
      signal: controller.signal,
      onLine: () => controller.abort(new Error('stop')),
    })
    await expect(run).rejects.toThrow('stop')
    expect(Date.now() - began).toBeGreaterThanOrEqual(grace)
    const pids = readFileSync(file, 'utf8').trim().split(' ')
    await sleep(100)
    // A local one is killed with its children; over ssh nothing can, for root: sshd refuses to deliver signals.
    if (kind === 'local') expect(pids.filter(isRunning)).toEqual([])
    else for (const pid of pids.filter(isRunning)) process.kill(Number(pid), 'SIGKILL')
  })

  test('and is told apart from what has cleaned up', async () => {
    const controller = new AbortController()
    const reason = new JijiError('interrupted', 'ctrl-c')
    const run = runner.run(sh`on_exit() { sleep 5; }; echo ready; interruptible sleep 5`, {
      signal: controller.signal,
      onLine: () => controller.abort(reason),
    })
    const message = `web1: what was interrupted did not end within ${grace / 1000} s of being asked to`
    await expect(run).rejects.toMatchObject({ code: 'interrupted', server: 'web1', message, cause: reason })
  })

  test('may leave a process behind that keeps its output open: nobody waits for that for ever', async () => {
    const began = Date.now()
    const { stdout, code } = await runner.run(sh`sleep 100 & echo $!; exit 4`)
    expect(code).toBe(4)
    expect(Date.now() - began).toBeLessThan(50_000)
    if (isRunning(stdout.trim())) process.kill(Number(stdout), 'SIGKILL')
  })

  test('ends by `until` as by its own will', async () => {
    const until = new AbortController()
    const output = await runner.run(sh`on_exit() { echo bye; }; echo ready; interruptible sleep 5`, {
      until: until.signal,
      onLine: () => until.abort(),
    })
    expect(output).toEqual({ code: 143, stdout: 'ready\nbye\n', stderr: '' })
  })

  test('ends by an `until` that has aborted already', async () => {
    expect((await runner.run(sh`interruptible sleep 5`, { until: AbortSignal.abort() })).code).toBe(143)
  })

  test('that takes too long cleans up and is an error', async () => {
    const file = join(folder, 'timeout')
    const run = runner.run(sh`on_exit() { touch ${file}; }; interruptible sleep 5`, { timeout: 200 })
    await expect(run).rejects.toMatchObject({ code: 'server.timeout', server: 'web1', message: /0\.2 s/ })
    expect(existsSync(file)).toBe(true)
  })

  test('in time is not disturbed by a timeout, nor by signals that abort later', async () => {
    const controller = new AbortController()
    const options = { timeout: 5_000, signal: controller.signal, until: controller.signal }
    expect((await runner.run(sh`echo fine`, options)).stdout).toBe('fine\n')
    controller.abort()
  })

  test('twenty at once', async () => {
    const outputs = await Promise.all(
      Array.from({ length: 20 }, (_, index) => runner.run(sh`sleep 0.05; echo ${index}`)),
    )
    expect(outputs.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })
})

describe('the process of a local script', () => {
  test('leads a group of its own, which a Ctrl-C in the terminal does not reach', async () => {
    const { stdout } = await localRunner('here').run(sh`ps -o pgid= -p $$; echo $$`)
    const [group, shell] = stdout.trim().split(/\s+/)
    expect(group).toBe(shell)
  })
})

function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
