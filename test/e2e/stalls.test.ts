import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Result } from './harness.ts'
import { watchMemory } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { must, type Server } from './rig/server.ts'
import { type SlowShop, startSlowShop } from './slow-shop.ts'

describeOnRig('a pull that stalls', () => {
  let shop: SlowShop

  beforeAll(async () => {
    shop = await startSlowShop('stalls', ['docker', 'podman', 'podman'])
  })
  afterAll(() => shop?.stop())

  /** Ends when the server has a connection of its own to itself, through the tunnel, for a moment. */
  const fetching =
    "until ss -Hnt state established | grep -q '127.0.0.1:[0-9]* *127.0.0.1:'; do sleep 0.05; done; sleep 0.5"
  /** Only those processes that serve connections, not the sshd that takes them. */
  const freezeSessions = (server: Server) => must(server, "pkill -STOP -f '^[s]shd: root'")
  const expectDone = async (version: string, began: Date, { code, stderr }: Result) => {
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    expect(await shop.answers()).toEqual([version, version, version])
    const times = Object.entries(await shop.timesSent(began))
    // Two servers have Podman.
    const tooOften = times.filter(([layer, count]) => count > (layer.startsWith('podman') ? 4 : 2))
    expect([times.length, tooOften]).toEqual([4, []])
  }

  test('since engines stand still is waited for, without holding up others', async () => {
    await shop.write('two', [8, 60])
    const frozen = { s1: '^dockerd ', s2: '^podman pull ' }
    const readers = shop.rig.servers.flatMap(server => {
      const process = frozen[server.name as keyof typeof frozen]
      return process ? [{ server, process }] : []
    })
    const began = new Date()
    const run = await shop.startDeploy('two')
    const memory = watchMemory(run.pid)
    const each = (command: (process: string) => string) =>
      Promise.all(readers.map(({ server, process }) => must(server, command(process))))
    await each(process => `${fetching}; pkill -STOP -f '${process}'`)
    await run.says('s3             pulled')
    for (const { server } of readers)
      await run.says(`${server.name.padEnd(15)}it has taken nothing for 15 s, but its connection is alive`)
    await sleep(5_000)
    await each(process => `pkill -CONT -f '${process}'`)
    await expectDone('two', began, await run.result)
    const peak = memory.stop()
    expect(peak).toBeGreaterThan(40)
    expect(peak).toBeLessThan(150)
  })

  test('since sshd stands still goes on over a new connection', async () => {
    await shop.write('three', [8, 60])
    const began = new Date()
    const run = await shop.startDeploy('three')
    const frozen = shop.rig.servers.slice(0, 2)
    for (const server of frozen) await freezeSessions(server)
    const result = await run.result
    for (const { name } of frozen) {
      expect(result.stderr).toMatch(new RegExp(`^${name} +the connection to ${name} .*was lost`, 'm'))
      expect(result.stderr).toMatch(new RegExp(`^${name} +connected again`, 'm'))
    }
    await expectDone('three', began, result)
  })
})
