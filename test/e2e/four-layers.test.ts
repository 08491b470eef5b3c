import { afterAll, beforeAll, expect, test } from 'vitest'
import { watchMemory } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type SlowShop, startSlowShop } from './slow-shop.ts'

describeOnRig('four layers of 40 MB to four servers at once', () => {
  let shop: SlowShop

  beforeAll(async () => {
    shop = await startSlowShop('layers', ['docker', 'podman', 'docker', 'podman'], 'off')
  })
  afterAll(() => shop?.stop())

  test('arrive once each, and take no more memory than small ones', async () => {
    await shop.write('large', [40, 40, 40, 40])
    const began = new Date()
    const run = await shop.startDeploy('large')
    const memory = watchMemory(run.pid)
    const { code, stderr } = await run.result
    const peak = memory.stop()
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    expect(await shop.answers()).toEqual(['large', 'large', 'large', 'large'])
    const times = Object.values(await shop.timesSent(began))
    expect(times.map(count => Number(count.toFixed(2)))).toEqual(Array(8).fill(2)) // for two servers with each engine
    expect(peak).toBeGreaterThan(40)
    expect(peak).toBeLessThan(150)
  })
})
