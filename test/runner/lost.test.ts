import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ConnectOptions } from '../../src/runner/connect-options.ts'
import type { Connection } from '../../src/runner/runner.ts'
import { connectSsh } from '../../src/runner/ssh.ts'
import type { SshTarget } from '../../src/runner/ssh-target.ts'
import { sh } from '../../src/shell/script.ts'
import { type Home, hasSshd, makeHome, removeHome, type Sshd, startSshd } from './sshd.ts'

describe.skipIf(!hasSshd)('a connection', () => {
  let home: Home
  beforeAll(() => {
    home = makeHome()
  })
  afterAll(() => removeHome(home))

  async function start(settings: string[] = []): Promise<Sshd> {
    const sshd = await startSshd(home, settings)
    onTestFinished(sshd.stop)
    return sshd
  }
  async function connect(target: SshTarget, timings: ConnectOptions['timings'] = {}): Promise<Connection> {
    const connection = await connectSsh(target, { environment: home.environment, timings })
    onTestFinished(() => connection.close())
    return connection
  }

  describe('whose server dies', () => {
    test('while a command runs: lost, and never exit code 0', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      const run = connection.run(sh`echo ready; sleep 20; exit 0`, { onLine: () => sshd.kill() })
      await expect(run).rejects.toMatchObject({ code: 'server.lost', server: 'web1', message: /while a command ran/ })
    })
    test('while many run: each is lost', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      const runs = Array.from({ length: 12 }, () => connection.run(sh`sleep 20`))
      setTimeout(() => sshd.kill(), 150)
      const results = await Promise.allSettled(runs)
      expect(results.map(result => result.status === 'rejected' && result.reason.code)).toEqual(
        Array(12).fill('server.lost'),
      )
    })
    test('before a command: lost', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      await sshd.stop()
      await expect(connection.run(sh`true`)).rejects.toMatchObject({ code: 'server.lost' })
      await sleep(50)
      await expect(connection.run(sh`true`)).rejects.toMatchObject({ code: 'server.lost' })
    })
    test('before a tunnel: lost', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      await sshd.stop()
      await sleep(50)
      await expect(connection.forward(0, { host: '127.0.0.1', port: 1 })).rejects.toMatchObject({ code: 'server.lost' })
      await expect(connection.dial('127.0.0.1', 1)).rejects.toMatchObject({ code: 'server.lost' })
    })
    test('with a tunnel open: closing it and the connection is no error', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      const tunnel = await connection.forward(0, { host: '127.0.0.1', port: 1 })
      await sshd.stop()
      await tunnel.close()
      await connection.close()
    })
    test('while a command is being interrupted: the interruption is what comes out', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      const controller = new AbortController()
      const run = connection.run(sh`on_exit() { sleep 20; }; echo ready; interruptible sleep 20`, {
        signal: controller.signal,
        onLine: () => {
          controller.abort(new Error('ctrl-c'))
          setTimeout(() => sshd.kill(), 100)
        },
      })
      await expect(run).rejects.toThrow('ctrl-c')
    })
    test('and a command that is interrupted after that: lost or interrupted, but nothing else', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      const controller = new AbortController()
      const run = connection.run(sh`echo ready; sleep 20`, {
        signal: controller.signal,
        onLine: () => {
          sshd.kill()
          setTimeout(() => controller.abort(new Error('ctrl-c')), 5)
        },
      })
      await expect(run).rejects.toThrow(/ctrl-c|was lost/)
    })
  })

  describe('over a jump host', () => {
    test('that dies: lost, and closed without an error', async () => {
      const [sshd, bastion] = [await start(), await start()]
      const connection = await connect(sshd.target({ proxy: `127.0.0.1:${bastion.port}` }))
      const run = connection.run(sh`echo ready; sleep 20`, { onLine: () => bastion.kill() })
      await expect(run).rejects.toMatchObject({ code: 'server.lost', server: 'web1' })
      await connection.close()
    })
    test('whose server dies: lost', async () => {
      const [sshd, bastion] = [await start(), await start()]
      const connection = await connect(sshd.target({ proxy: `127.0.0.1:${bastion.port}` }))
      const run = connection.run(sh`echo ready; sleep 20`, { onLine: () => sshd.kill() })
      await expect(run).rejects.toMatchObject({ code: 'server.lost', server: 'web1' })
      await connection.close()
    })
    test('carries much', async () => {
      const [sshd, bastion] = [await start(), await start()]
      const connection = await connect(sshd.target({ proxy: `127.0.0.1:${bastion.port}` }))
      expect((await connection.run(sh`head -c 20000000 /dev/zero`)).stdout.length).toBe(20_000_000)
    })
  })

  describe('over a wire that is cut', () => {
    let sockets: Socket[] = []
    async function wire(port: number): Promise<{ port: number; cut(): void }> {
      const server = createServer(near => {
        const far = connectTcp(port, '127.0.0.1')
        sockets.push(
          near.on('error', () => {}),
          far.on('error', () => {}),
        )
        near.pipe(far).pipe(near)
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy()
        sockets = []
        server.close()
      })
      const cut = () => {
        for (const socket of sockets) socket.unpipe().pause()
      }
      return { port: (server.address() as { port: number }).port, cut }
    }

    test('is noticed by its silence, in the time that was given', async () => {
      const sshd = await start()
      const { port, cut } = await wire(sshd.port)
      const connection = await connect(sshd.target({ port }), { silence: 2_000 })
      const began = Date.now()
      const run = connection.run(sh`echo ready; sleep 20`, { onLine: cut })
      await expect(run).rejects.toMatchObject({
        code: 'server.lost',
        message: /nothing came from the server for 2 s/,
      })
      expect(Date.now() - began).toBeLessThan(4_200)
    })
    test('can be given up before that is noticed', async () => {
      const sshd = await start()
      const { port, cut } = await wire(sshd.port)
      const connection = await connect(sshd.target({ port }))
      cut()
      const run = connection.run(sh`true`, { signal: AbortSignal.timeout(200) })
      await expect(run).rejects.toMatchObject({ name: 'TimeoutError' })
    })
    test('is not taken for cut while a command says nothing', async () => {
      const sshd = await start()
      const { port } = await wire(sshd.port)
      const connection = await connect(sshd.target({ port }), { silence: 400 })
      expect((await connection.run(sh`sleep 1.2; echo done`)).stdout).toBe('done\n')
    })
  })

  describe('with few sessions', () => {
    test.each([1, 3])('runs twenty scripts where MaxSessions is %i', async most => {
      const sshd = await start([`MaxSessions ${most}`])
      const connection = await connect(sshd.target())
      const outputs = await Promise.all(
        Array.from({ length: 20 }, (_, index) => connection.run(sh`sleep 0.02; echo ${index}`)),
      )
      expect(outputs.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 20 }, (_, index) => index))
    })
    test('has the shell of the next script ready where that is announced, and starts no other', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      await connection.run(sh`true`, { isFollowed: true })
      await expect.poll(() => sessionsOf(sshd), { timeout: 20_000 }).toBe(2)
      expect((await connection.run(sh`echo next`)).stdout).toBe('next\n')
      expect(sessionsOf(sshd)).toBe(2)
      expect((await connection.run(sh`echo one more`)).stdout).toBe('one more\n')
    })
    test('runs scripts of which each announces the next where MaxSessions is 1', async () => {
      const sshd = await start(['MaxSessions 1'])
      const connection = await connect(sshd.target())
      for (const word of ['one', 'two', 'three'])
        expect((await connection.run(sh`echo ${word}`, { isFollowed: true })).stdout).toBe(`${word}\n`)
      const both = ['four', 'five'].map(word => connection.run(sh`echo ${word}`, { isFollowed: true }))
      expect((await Promise.all(both)).map(({ stdout }) => stdout)).toEqual(['four\n', 'five\n'])
    })
    test('says so where there is none, to each', async () => {
      const sshd = await start(['MaxSessions 0'])
      const connection = await connect(sshd.target())
      const runs = [1, 2, 3].map(() => connection.run(sh`true`))
      for (const result of await Promise.allSettled(runs))
        expect(result).toMatchObject({
          reason: { code: 'server.refused', server: 'web1', hint: expect.stringContaining('MaxSessions') },
        })
    })
    test('gives up waiting for one when interrupted', async () => {
      const sshd = await start(['MaxSessions 1'])
      const connection = await connect(sshd.target())
      const until = new AbortController()
      const first = connection.run(sh`interruptible sleep 5`, { until: until.signal })
      await sleep(100)
      const second = connection.run(sh`true`, { signal: AbortSignal.timeout(200) })
      await expect(second).rejects.toMatchObject({ name: 'TimeoutError' })
      until.abort()
      await first
    })
    test('never has more than eight at once', async () => {
      const sshd = await start()
      const connection = await connect(sshd.target())
      const folder = `${home.path}/running`
      await connection.run(sh`mkdir ${folder}`)
      const script = sh`cd ${folder}; touch $$; sleep 0.05; ls | wc -l; rm $$`
      const outputs = await Promise.all(Array.from({ length: 24 }, () => connection.run(script)))
      expect(Math.max(...outputs.map(({ stdout }) => Number(stdout)))).toBe(8)
    })
  })

  describe('where nothing may run', () => {
    test('gives what the login says instead', async () => {
      const sshd = await start(['ForceCommand echo go away; exit 1'])
      const connection = await connect(sshd.target())
      expect(await connection.run(sh`echo hi`)).toEqual({ code: 1, stdout: 'go away\n', stderr: '' })
    })
  })

  test('closes twice, and lets the process end', async () => {
    const sshd = await start()
    const connection = await connect(sshd.target())
    await Promise.all([connection.close(), connection.close()])
    await connection.close()
    await expect(connection.run(sh`true`)).rejects.toMatchObject({ code: 'server.lost', message: /closed here/ })
  })
})

function sessionsOf(sshd: Sshd): number {
  return sshd.log().split('Starting session: ').length - 1
}
