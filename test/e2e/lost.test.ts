import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnRig } from './rig/describe.ts'
import { must } from './rig/server.ts'
import { type SlowShop, startSlowShop } from './slow-shop.ts'

describeOnRig('a connection that is lost while a server pulls', () => {
  let shop: SlowShop

  /** Deploys, and does something when the layers are on their way to all servers. */
  const deploy = async (version: string, meanwhile: () => Promise<unknown>) => {
    const running = await shop.startDeploy(version)
    await meanwhile()
    return running.result
  }
  /** No layer was sent more than once again. */
  const expectFewBytes = async (since: Date) => {
    const times = Object.entries(await shop.timesSent(since))
    expect([times.length, times.filter(([, count]) => count > 2)]).toEqual([4, []])
  }

  beforeAll(async () => {
    shop = await startSlowShop('lost', ['docker', 'podman'])
  })
  afterAll(() => shop?.stop())

  test('is opened again when its sshd is killed, and the pull goes on', async () => {
    await shop.write('one more', [8, 60])
    const began = new Date()
    const kill = () => Promise.all(shop.rig.servers.map(server => must(server, "pkill -KILL -f '^[s]shd: root'")))
    const { code, stderr } = await deploy('v1', kill)
    for (const { name } of shop.rig.servers) {
      expect(stderr).toMatch(new RegExp(`^${name} +the connection to .* was lost`, 'm'))
      expect(stderr).toMatch(new RegExp(`^${name} +connected again`, 'm'))
    }
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(await shop.answers()).toEqual(['one more', 'one more'])
    await expectFewBytes(began)
  })

  test('or is waited for, when a cable is out for 10 s', async () => {
    await shop.write('two', [8, 60])
    const began = new Date()
    const cut = async () => {
      for (const server of shop.rig.servers) await server.link('down')
      await sleep(10_000)
      for (const server of shop.rig.servers) await server.link('up')
    }
    const { code, stderr } = await deploy('v2', cut)
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(await shop.answers()).toEqual(['two', 'two'])
    await expectFewBytes(began)
  })

  test('leaves the version before serving, and no lock, when it is lost again and again', async () => {
    await shop.write('three', [60])
    const [first] = shop.rig.servers
    if (!first) throw new Error('there are servers')
    let isOver = false
    const killing = async () => {
      while (!isOver) {
        await first.exec("pkill -KILL -f '^[s]shd: root'")
        await sleep(700)
      }
    }
    let done: Promise<void> | undefined
    const running = deploy('v3', async () => {
      done = killing()
    })
    const { code, stderr } = await running
    isOver = true
    await done
    expect(stderr).toMatch(/was lost|could not be reached|closed/)
    expect(code).toBe(4)
    expect(await shop.answers()).toEqual(['two', 'two'])
    expect((await shop.deploy('v3')).code).toBe(0)
    expect(await shop.answers()).toEqual(['three', 'three'])
  })
})
