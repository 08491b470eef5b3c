import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'
const megabytes = 60

describeOnRig('a connection that is lost while a server pulls', () => {
  let rig: Rig
  let project: Project
  const write = async (version: string) => {
    const { Dockerfile = '', ...files } = appFiles(version)
    await project.write({ ...files, Dockerfile: Dockerfile.replace('COPY', 'COPY large ./\nCOPY') })
    await writeFile(join(project.folder, 'large'), randomBytes(megabytes * 1_000_000))
  }
  /** Deploys, and does something when the large layer is on its way to all servers. */
  const deploy = async (version: string, meanwhile: () => Promise<unknown>) => {
    const running = project.start({}, 'deploy', '--version', version)
    for (const { name } of rig.servers) await running.says(`${name.padEnd(15)}pulling`)
    await sleep(1000)
    await meanwhile()
    return running.result
  }
  const answers = () => Promise.all(rig.servers.map(async ({ address }) => (await ask({ address, host })).body))

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'lost', images: ['caddy:2'] })
    // Slow enough to be cut in the middle.
    for (const server of rig.servers) await server.delay(40)
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    proxy: {app_port: 3000, hosts: [${host}]}
`,
    })
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('is opened again when its sshd is killed, and the pull goes on', async () => {
    await write('one')
    const kill = () => Promise.all(rig.servers.map(server => must(server, "pkill -KILL -f '^[s]shd: root'")))
    const { code, stderr } = await deploy('v1', kill)
    for (const { name } of rig.servers) {
      expect(stderr).toMatch(new RegExp(`^${name} +the connection to .* was lost`, 'm'))
      expect(stderr).toMatch(new RegExp(`^${name} +connected again`, 'm'))
    }
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(await answers()).toEqual(['one', 'one'])
  })

  test('or is waited for, when a cable is out for 10 s', async () => {
    await write('two')
    const cut = async () => {
      for (const server of rig.servers) await server.link('down')
      await sleep(10_000)
      for (const server of rig.servers) await server.link('up')
    }
    const { code, stderr } = await deploy('v2', cut)
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(await answers()).toEqual(['two', 'two'])
  })

  test('leaves the version before serving, and no lock, when it is lost again and again', async () => {
    await write('three')
    const [first] = rig.servers
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
    expect(await answers()).toEqual(['two', 'two'])
    expect((await project.jiji('deploy', '--version', 'v3')).code).toBe(0)
    expect(await answers()).toEqual(['three', 'three'])
  })
})
