import { randomBytes, randomInt } from 'node:crypto'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, type Running, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { freePort } from './ports.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Engine, startEngine } from './rig/engine.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const host = 'app.example.com'
/** JIJI_STRIKES=20 for a long evening. */
const strikes = Number(process.env.JIJI_STRIKES ?? 3)

/** Something that goes wrong on one server, or with the tool itself, and how it passes again. */
type Strike = {
  name: string
  hit(run: Running, server: Server): Promise<unknown>
  /** When the deploy has ended. */
  mend?(server: Server): Promise<unknown>
  /** Whether nothing can be had from the server for a while. */
  isOutage?: boolean
}

describeOnRig('a deploy that is struck at a random moment', () => {
  let rig: Rig
  let engine: Engine
  let project: Project
  let usual: number

  const cableOut = async (server: Server) => {
    await server.link('down')
    await sleep(5000)
    await server.link('up')
  }
  const killEngine = ({ engine, exec }: Server) => exec(`pkill -KILL -x ${engine === 'docker' ? 'dockerd' : 'podman'}`)
  const startAgain = async (server: Server) => {
    if (server.engine !== 'docker') return
    await must(
      server,
      `setsid dockerd --cgroup-parent /${basename(rig.dir)}-${server.name} >>/var/log/dockerd.log 2>&1 &`,
    )
    await expect.poll(async () => (await server.exec('docker version')).code).toBe(0)
  }
  const powerCut = async (server: Server) => {
    await server.poweroff()
    await server.boot()
    // As a unit does where there is a systemd.
    if (server.engine === 'podman') await server.exec('sh /var/lib/jiji/start')
  }
  const kinds: Strike[] = [
    { name: 'kill -9', hit: async run => run.kill('SIGKILL') },
    { name: 'a dead engine', hit: (_, server) => killEngine(server), mend: startAgain, isOutage: true },
    { name: 'a power cut', hit: (_, server) => powerCut(server), isOutage: true },
    // Of the other three there are tests of their own.
    { name: 'Ctrl-C', hit: async run => run.kill('SIGINT') },
    { name: 'its cable out for 5 s', hit: (_, server) => cableOut(server), isOutage: true },
    { name: 'a full disk', hit: (_, server) => server.room(5), mend: server => server.room('off') },
  ]

  const deploy = (version: string) => project.start({ DOCKER_HOST: engine.host }, 'deploy', '--version', version)
  const write = (version: string) =>
    project.write({
      ...appFiles(version),
      Dockerfile: 'FROM node:20-slim\nCOPY app.mjs data /app/\nCMD ["node", "/app/app.mjs"]\n',
      data: randomBytes(15_000_000).toString('base64'),
    })
  const bodyOf = ({ address }: Server) =>
    ask({ address, host }).then(
      ({ status, body }) => (status === 200 ? body : String(status)),
      error => String(error),
    )

  beforeAll(async () => {
    const [, , port] = await Promise.all([
      startRig({ servers: ['docker', 'podman'], name: 'struck', images: ['caddy:2', 'node:20-slim'] }).then(started => {
        rig = started
      }),
      startEngine(['registry:2', 'node:20-slim']).then(started => {
        engine = started
      }),
      freePort(),
    ])
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local, port: ${port}}}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    proxy: {app_port: 3000, hosts: [${host}]}
`,
    })
    for (const version of ['first', 'second']) {
      await write(version)
      const start = Date.now()
      expect(await deploy(version).result).toMatchObject({ code: 0 })
      usual = Date.now() - start
    }
  })
  afterAll(async () => {
    await rig?.stop()
    await engine?.stop()
    await project?.remove()
  })

  for (let count = 0; count < strikes; count++) {
    const strike = kinds[count % kinds.length] as Strike
    test(`${count + 1}: ${strike.name}`, async () => {
      const struck = rig.servers[randomInt(rig.servers.length)] as Server
      const moment = randomInt(usual)
      const what = `${strike.name} of ${struck.name} after ${moment} of ${usual} ms`
      const before = await bodyOf(struck)
      const served = rig.servers.filter(server => server !== struck || !strike.isOutage)
      await write(`struck ${count}`)
      const load = startLoad(
        served.map(({ address }) => ({ address, host })),
        2,
      )

      const run = deploy(`struck-${count}`)
      await sleep(moment)
      await strike.hit(run, struck)
      const { code, stderr } = await run.result
      const story = `${what}: exit ${code}\n${stderr}`
      await strike.mend?.(struck)
      for (const server of rig.servers) {
        const either = new RegExp(`^(${before}|struck ${count})$`)
        await expect
          .poll(() => bodyOf(server), { timeout: 60_000, message: `${server.name} answers; ${story}` })
          .toMatch(either)
      }
      const { lost } = await load.stop()
      expect([lost.length, lost.slice(0, 3)], story).toEqual([0, []])

      await write(`after ${count}`)
      const next = await deploy(`after-${count}`).result
      expect(next.code, `${story}\nand then:\n${next.stderr}`).toBe(0)
      for (const server of rig.servers)
        await expectWhole(server, `after ${count}`, `${story}\nand then:\n${next.stderr}`)
    }, 300_000)
  }

  const expectWhole = async (server: Server, version: string, story: string) => {
    expect(await bodyOf(server), story).toBe(version)
    const running = await must(server, `${server.engine} ps --filter label=jiji.service=web --format '{{.Names}}'`)
    expect(running.split('\n'), story).toHaveLength(1)
    expect((await server.exec('ls -d /var/lib/jiji/shop/lock /dev/shm/*jiji* 2>/dev/null')).stdout, story).toBe('')
  }
})
