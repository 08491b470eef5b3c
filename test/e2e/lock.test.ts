import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'

// On a machine that is busy, deploys take their time, and the silence that ends a lock is 30 s long.
const patience = 300_000

describeOnRig('the heartbeat of a lock', () => {
  let rig: Rig
  let project: Project
  /** An app that is healthy only while the servers say so. */
  const write = (version: string) => {
    const files = appFiles(version)
    const asksServer = `import { existsSync } from 'node:fs'\n${files['app.mjs']?.replace('= 200', "= existsSync('/flag/up') ? 200 : 503")}`
    return project.write({ ...files, 'app.mjs': asksServer })
  }
  const everywhere = (command: string) => Promise.all(rig.servers.map(server => must(server, command)))
  const answers = () => Promise.all(rig.servers.map(async ({ address }) => (await ask({ address, host })).body))
  /** Deploys as far as the first server's health check. */
  const deployHalf = async (version: string) => {
    await write(version)
    await everywhere('rm -f /srv/flag/up')
    const run = project.start({}, 'deploy', '--version', version)
    await run.says('started')
    return run
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'lock', images: ['caddy:2'] })
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    volumes: ["/srv/flag:/flag"]
    proxy: {app_port: 3000, hosts: [${host}], healthcheck: {deploy_timeout: 300s}}
`,
    })
    await everywhere('mkdir -p /srv/flag && touch /srv/flag/up')
    await write('one')
    expect((await project.jiji('deploy', '--version', 'one')).code).toBe(0)
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  }, patience)

  test(
    'shows a live owner, who is waited for and not robbed',
    async () => {
      const first = await deployHalf('two')
      await sleep(4000)
      expect((await project.jiji('lock', 'status')).stdout.match(/live, last \ds ago/g)).toHaveLength(2)
      const second = project.start({}, 'deploy', '--version', 'two-again', '--wait', '5m')
      await second.says('waiting: s1: the lock is held by')
      await sleep(35_000)
      await everywhere('touch /srv/flag/up')
      expect((await first.result).code).toBe(0)
      const { code, stderr } = await second.result
      expect(stderr).not.toContain('took over')
      expect(code).toBe(0)
    },
    patience,
  )

  test(
    'lets the next one in at once after kill -9',
    async () => {
      const first = await deployHalf('three')
      first.kill('SIGKILL')
      await first.result
      await everywhere('touch /srv/flag/up')
      expect((await project.jiji('deploy', '--version', 'three', '--wait', '20s')).code).toBe(0)
      expect(await answers()).toEqual(['three', 'three'])
    },
    patience,
  )

  test(
    'ends with a pulled cable, and the next one takes the lock over',
    async () => {
      const first = await deployHalf('four')
      for (const server of rig.servers) await server.link('down')
      await sleep(1000)
      first.kill('SIGKILL')
      await first.result
      for (const server of rig.servers) {
        const pid = await must(server, 'cut -d " " -f 1 /var/lib/jiji/shop/lock/holder')
        await expect
          .poll(async () => (await server.exec(`kill -0 ${pid}`)).code, { timeout: 40_000, interval: 1000 })
          .not.toBe(0)
      }
      for (const server of rig.servers) await server.link('up')
      await everywhere('touch /srv/flag/up')
      const { code, stderr } = await project.jiji('deploy', '--version', 'four')
      for (const { name } of rig.servers) expect(stderr).toMatch(new RegExp(`^${name} +took over the lock of`, 'm'))
      expect(code).toBe(0)
      expect(await answers()).toEqual(['four', 'four'])
    },
    patience,
  )

  test(
    'of a laptop that has slept goes on when nobody else came',
    async () => {
      const first = await deployHalf('five')
      first.kill('SIGSTOP')
      await sleep(40_000)
      expect((await project.jiji('lock', 'status')).stdout.match(/gone, last \d+s ago/g)).toHaveLength(2)
      first.kill('SIGCONT')
      await sleep(2000)
      await everywhere('touch /srv/flag/up')
      const { code, stderr } = await first.result
      expect(stderr).toContain('nobody has taken the lock meanwhile')
      expect(code).toBe(0)
      expect(await answers()).toEqual(['five', 'five'])
    },
    patience,
  )

  test(
    'of a laptop that has slept for too long is lost, and its deploy changes nothing any more',
    async () => {
      const first = await deployHalf('six')
      first.kill('SIGSTOP')
      await sleep(36_000)
      await write('seven')
      const second = project.start({}, 'deploy', '--version', 'seven', '--wait', '60s')
      await second.says('took over the lock')
      // From now on the candidate of the first is healthy as well, and its script on the server still runs.
      await everywhere('touch /srv/flag/up')
      expect((await second.result).code).toBe(0)
      first.kill('SIGCONT')
      const { code, stderr } = await first.result
      expect(stderr).toMatch(/the lock was lost/)
      expect(code).toBe(5)
      expect(await answers()).toEqual(['seven', 'seven'])
      for (const { exec, engine } of rig.servers)
        expect((await exec(`${engine} ps -a --format '{{.Image}}' | grep six`)).stdout).toBe('')
      expect((await project.jiji('lock', 'status')).stdout).toMatch(/s1 +free.*\ns2 +free/)
    },
    patience,
  )
})
