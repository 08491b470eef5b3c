import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JijiError } from '../../src/errors.ts'
import type { Interactive } from '../../src/runner/runner.ts'
import { connectSsh } from '../../src/runner/ssh.ts'
import { sh } from '../../src/shell/script.ts'
import { type Home, hasSshd, makeHome, removeHome, type Sshd, startSshd } from './sshd.ts'

/** A terminal with somebody at it: what is typed, what is seen, and whether keys are passed on as they are. */
function terminalOf({ columns = 132, rows = 41 } = {}) {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { setRawMode: (isRaw: boolean) => modes.push(isRaw) })
  const output = Object.assign(new PassThrough(), { columns, rows })
  let seen = ''
  output.on('data', chunk => {
    seen += String(chunk)
  })
  const terminal = { input, output, name: 'vt100' } as unknown as Parameters<Interactive['attach']>[1]
  return { terminal, input, output, modes, seen: () => seen }
}

describe.runIf(hasSshd)('a terminal that is lent', () => {
  let home: Home
  let sshd: Sshd
  let runner: Interactive
  const { signal } = new AbortController()

  beforeAll(async () => {
    home = makeHome()
    sshd = await startSshd(home)
  })
  beforeEach(async () => {
    runner = await connectSsh(sshd.target(), { environment: home.environment })
    return () => runner.close()
  })
  afterAll(async () => {
    await sshd.stop()
    removeHome(home)
  })

  test('has its size and its kind there, and the exit code comes back', async () => {
    const { terminal, seen, modes } = terminalOf()
    const code = await runner.attach(sh`stty size; echo "$TERM"; test -t 0 && exit 5`, terminal, signal)
    expect([code, seen().split(/\r?\n/)]).toEqual([5, ['41 132', 'vt100', '']])
    expect(modes).toEqual([true, false])
  })
  test('passes on every key, Ctrl-C too, and every change of its size', async () => {
    const { terminal, input, output, seen } = terminalOf()
    const running = runner.attach(
      sh`trap 'echo interrupted; read -r line; stty size; exit 3' INT; echo ready; while :; do sleep 0.1; done`,
      terminal,
      signal,
    )
    await expect.poll(seen).toContain('ready')
    Object.assign(output, { columns: 80, rows: 24 })
    output.emit('resize')
    input.write('\u0003')
    await expect.poll(seen).toContain('interrupted')
    input.write('go\r')
    expect(await running).toBe(3)
    expect(seen()).toContain('24 80')
    expect([input.listenerCount('data'), output.listenerCount('resize'), input.isPaused()]).toEqual([0, 0, true])
  })
  test('is given back when the command is called off', async () => {
    const { terminal, modes, seen } = terminalOf()
    const abort = new AbortController()
    const running = runner.attach(sh`echo ready; exec sleep 60`, terminal, abort.signal)
    const ended = expect(running).rejects.toThrow('enough')
    await expect.poll(seen).toContain('ready')
    abort.abort(new JijiError('interrupted', 'enough'))
    await ended
    expect(modes).toEqual([true, false])
  })
  test('is given back when the connection is lost, which is an error', async () => {
    const { terminal, modes, seen } = terminalOf()
    const running = runner.attach(sh`echo ready; exec sleep 60`, terminal, signal)
    const ended = expect(running).rejects.toMatchObject({ code: 'server.lost' })
    await expect.poll(seen).toContain('ready')
    sshd.kill()
    await ended
    expect(modes).toEqual([true, false])
    await sleep(1)
  })
})
