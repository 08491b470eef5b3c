import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnRig } from './rig/describe.ts'
import { type SlowShop, startSlowShop } from './slow-shop.ts'

describeOnRig('the local registry, while servers pull from it', () => {
  let shop: SlowShop

  beforeAll(async () => {
    shop = await startSlowShop('stops', ['docker', 'podman'])
  })
  afterAll(() => shop?.stop())

  test('is missed in seconds when it is killed; the version before serves, and the next deploy starts it', async () => {
    await shop.write('two', [40])
    const run = await shop.startDeploy('two')
    const began = Date.now()
    await shop.engine.docker('kill', 'jiji-registry')
    const { code, stderr } = await run.result
    expect(Date.now() - began).toBeLessThan(25_000)
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /error: the local registry stopped while s\d pulled from it.*\n.*docker logs jiji-registry; the next deploy starts it/,
      ),
    ])
    expect(await shop.locks()).toEqual([])
    expect(await shop.answers()).toEqual(['one', 'one'])
    expect((await shop.deploy('two')).code).toBe(0)
    expect(await shop.answers()).toEqual(['two', 'two'])
  })

  test('is asked again when it was paused, for what is missing', async () => {
    await shop.write('three', [8, 40])
    const began = new Date()
    const run = await shop.startDeploy('three')
    await shop.engine.docker('pause', 'jiji-registry')
    for (const { name } of shop.rig.servers)
      await run.says(`${name.padEnd(15)}the local registry has sent nothing for 15 s`)
    await shop.engine.docker('unpause', 'jiji-registry')
    const { code, stderr } = await run.result
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    expect(await shop.answers()).toEqual(['three', 'three'])
    const times = Object.entries(await shop.timesSent(began))
    expect(times).toHaveLength(4)
    expect(times.filter(([, count]) => count > 2)).toEqual([])
  })
})
