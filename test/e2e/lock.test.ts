import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appFiles, createProject, type Project, type Running, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

// On a machine that is busy, deploys take their time, and the silence that ends a lock is 30 s long.
const patience = 300_000

describeOnRig('the heartbeat of a lock', () => {
  let rig: Rig
  const shops: Shop[] = []

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'lock', images: ['caddy:2'] })
    for (const name of ['waited', 'slept', 'robbed', 'killed']) shops.push(await openShop(rig, name))
  }, patience)
  afterAll(async () => {
    for (const { project } of shops) await project.remove()
    await rig?.stop()
  }, patience)
  const shopOf = (name: string) => shops.find(shop => shop.name === name) as Shop

  // Each mostly waits for a silence to grow long.
  describe.concurrent('of several projects', () => {
    test(
      'shows a live owner, who is waited for and not robbed',
      async () => {
        const { project, deployHalf, letUp } = shopOf('waited')
        const first = await deployHalf('two')
        await sleep(4000)
        expect((await project.jiji('lock', 'status')).stdout.match(/live, last \ds ago/g)).toHaveLength(2)
        const second = project.start({}, 'deploy', '--version', 'two-again', '--wait', '5m')
        await second.says('waiting: s1: the lock is held by')
        await sleep(35_000)
        await letUp()
        expect((await first.result).code).toBe(0)
        const { code, stderr } = await second.result
        expect(stderr).not.toContain('took over')
        expect(code).toBe(0)
      },
      patience,
    )

    test(
      'of a laptop that has slept goes on when nobody else came',
      async () => {
        const { project, deployHalf, letUp, answers } = shopOf('slept')
        const first = await deployHalf('two')
        first.kill('SIGSTOP')
        await sleep(40_000)
        expect((await project.jiji('lock', 'status')).stdout.match(/gone, last \d+s ago/g)).toHaveLength(2)
        first.kill('SIGCONT')
        await first.says('nobody has taken the lock meanwhile')
        await letUp()
        const { code, stderr } = await first.result
        expect(stderr).toContain('nobody has taken the lock meanwhile')
        expect(code).toBe(0)
        expect(await answers()).toEqual(['two', 'two'])
      },
      patience,
    )

    test(
      'of a laptop that has slept for too long is lost, and its deploy changes nothing any more',
      async () => {
        const { project, write, deployHalf, letUp, answers } = shopOf('robbed')
        const first = await deployHalf('two')
        first.kill('SIGSTOP')
        await sleep(36_000)
        await write('three')
        const second = project.start({}, 'deploy', '--version', 'three', '--wait', '60s')
        await second.says('took over the lock')
        // From now on the candidate of the first is healthy as well, and its script on the server still runs.
        await letUp()
        expect((await second.result).code).toBe(0)
        first.kill('SIGCONT')
        const { code, stderr } = await first.result
        expect(stderr).toMatch(/the lock was lost/)
        expect(code).toBe(5)
        expect(await answers()).toEqual(['three', 'three'])
        for (const { exec, engine } of rig.servers)
          expect((await exec(`${engine} ps -a --format '{{.Image}}' | grep robbed-web:two`)).stdout).toBe('')
        expect((await project.jiji('lock', 'status')).stdout).toMatch(/s1 +nobody.*\ns2 +nobody/)
      },
      patience,
    )
  })

  test(
    'lets the next one in at once after kill -9',
    async () => {
      const { project, deployHalf, letUp, answers } = shopOf('killed')
      const first = await deployHalf('two')
      first.kill('SIGKILL')
      await first.result
      await letUp()
      expect((await project.jiji('deploy', '--version', 'two', '--wait', '20s')).code).toBe(0)
      expect(await answers()).toEqual(['two', 'two'])
    },
    patience,
  )

  test(
    'ends with a pulled cable, and the next one takes the lock over',
    async () => {
      const { project, deployHalf, letUp, answers } = shopOf('killed')
      const first = await deployHalf('three')
      for (const server of rig.servers) await server.link('down')
      await sleep(1000)
      first.kill('SIGKILL')
      await first.result
      for (const server of rig.servers) {
        const pid = await must(server, 'cut -d " " -f 1 /var/lib/jiji/killed/lock/holder')
        await expect
          .poll(async () => (await server.exec(`kill -0 ${pid}`)).code, { timeout: 40_000, interval: 1000 })
          .not.toBe(0)
      }
      for (const server of rig.servers) await server.link('up')
      await letUp()
      const { code, stderr } = await project.jiji('deploy', '--version', 'three')
      for (const { name } of rig.servers) expect(stderr).toMatch(new RegExp(`^${name} +took over the lock of`, 'm'))
      expect(code).toBe(0)
      expect(await answers()).toEqual(['three', 'three'])
    },
    patience,
  )
})

/** A project on all servers whose app is healthy only while those say so, with version one deployed. */
type Shop = {
  name: string
  project: Project
  write(version: string): Promise<void>
  /** Deploys as far as the first server's health check. */
  deployHalf(version: string): Promise<Running>
  letUp(): Promise<unknown>
  answers(): Promise<string[]>
}

async function openShop(rig: Rig, name: string): Promise<Shop> {
  const host = `${name}.example.com`
  const flag = `/srv/${name}/up`
  const project = await createProject({
    '.jiji/deploy.yml': `project: ${name}
builder: {registry: {type: local}}
deploy: {settle: 500ms, stop_timeout: 1s}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    volumes: ["/srv/${name}:/flag"]
    proxy: {app_port: 3000, hosts: [${host}], healthcheck: {deploy_timeout: 300s}}
`,
  })
  const everywhere = (command: string) => Promise.all(rig.servers.map(server => must(server, command)))
  const write = (version: string) => {
    const files = appFiles(version)
    const asksServer = `import { existsSync } from 'node:fs'\n${files['app.mjs']?.replace('= 200', "= existsSync('/flag/up') ? 200 : 503")}`
    return project.write({ ...files, 'app.mjs': asksServer })
  }
  await everywhere(`mkdir -p /srv/${name} && touch ${flag}`)
  await write('one')
  expect((await project.jiji('deploy', '--version', 'one')).code).toBe(0)
  return {
    name,
    project,
    write,
    async deployHalf(version) {
      await write(version)
      await everywhere(`rm -f ${flag}`)
      const run = project.start({}, 'deploy', '--version', version)
      await run.says('started')
      return run
    },
    letUp: () => everywhere(`touch ${flag}`),
    answers: () => Promise.all(rig.servers.map(async ({ address }) => (await ask({ address, host })).body)),
  }
}
