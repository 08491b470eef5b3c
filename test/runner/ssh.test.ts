import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectSsh } from '../../src/runner/ssh.ts'
import { sh } from '../../src/shell/script.ts'
import { type Home, hasSshd, makeHome, removeHome, type Sshd, startSshd } from './sshd.ts'

describe.skipIf(!hasSshd)('ssh', () => {
  let home: Home
  let sshd: Sshd
  beforeAll(async () => {
    home = makeHome()
    sshd = await startSshd(home)
  })
  afterAll(async () => {
    await sshd.stop()
    removeHome(home)
  })
  test('runs a script', async () => {
    const notes: string[] = []
    const c = await connectSsh(sshd.target(), { environment: home.environment, warn: m => notes.push(m) })
    expect(await c.run(sh`echo out; echo err >&2; exit 3`)).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' })
    console.log(notes)
    const t = await c.forward(0, { host: '127.0.0.1', port: 1 })
    console.log(t.port)
    await t.close()
    await c.close()
  })
})
