import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createProject, type Project, type Running, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { freePort } from './ports.ts'
import { type Engine, startEngine } from './rig/engine.ts'
import { type Rig, startRig } from './rig/rig.ts'

const host = 'app.example.com'

/** A web service on servers far away, with a local registry of its own, whose pulls can be disturbed in the middle. */
export type SlowShop = {
  rig: Rig
  engine: Engine
  project: Project
  /** Makes the next version, with a layer of random bytes for each of these sizes. */
  write(version: string, megabytes: readonly number[]): Promise<void>
  /** Goes on when the layers are on their way to all servers. */
  startDeploy(version: string): Promise<Running>
  /** Until its end. */
  deploy(version: string): Promise<{ code: number; stderr: string }>
  /** What each server serves. */
  answers(): Promise<string[]>
  /** The folders of locks that are on servers. */
  locks(): Promise<string[]>
  /**
   * How often each large layer was sent to each kind of engine since a time, from what the registry wrote: 1 is once, 1.4
   * is once and a part of it again.
   */
  timesSent(since: Date): Promise<Record<string, number>>
  stop(): Promise<void>
}

export async function startSlowShop(
  name: string,
  servers: ('docker' | 'podman')[],
  delay: number | 'off' = 40,
): Promise<SlowShop> {
  const [rig, engine, port] = await Promise.all([
    startRig({ servers, name, images: ['caddy:2'] }),
    startEngine(['registry:2', 'busybox:1']),
    freePort(),
  ])
  const project = await createProject({
    '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local, port: ${port}}}
deploy: {stop_timeout: 1s}
${serversOf(rig).replace(/(engine: \w+)/g, '$1, seed: false')}
services:
  web:
    build: {context: .}
    hosts: [${rig.servers.map(server => server.name)}]
    proxy: {app_port: 3000, hosts: [${host}]}
`,
  })
  const start = (version: string) => project.start({ DOCKER_HOST: engine.host }, 'deploy', '--version', version)
  const shop: SlowShop = {
    rig,
    engine,
    project,
    async write(version, megabytes) {
      const copies = megabytes.map((_, index) => `COPY layer${index} /layer${index}\n`).join('')
      await project.write({
        Dockerfile: `FROM busybox:1\n${copies}COPY www /www\nCMD ["sh", "/www/start"]\n`,
        'www/start': "trap 'exit 0' TERM\nhttpd -f -p 3000 -h /www &\nwait\n",
        'www/index.html': version,
        'www/up': 'up',
      })
      for (const [index, size] of megabytes.entries())
        await writeFile(join(project.folder, `layer${index}`), randomBytes(size * 1_000_000))
    },
    async startDeploy(version) {
      const run = start(version)
      for (const server of rig.servers) await run.says(`${server.name.padEnd(15)}pulling`)
      await sleep(1000)
      return run
    },
    deploy: version => start(version).result,
    answers: () => Promise.all(rig.servers.map(async ({ address }) => (await ask({ address, host })).body)),
    async locks() {
      const found = rig.servers.map(server => server.exec('ls -d /var/lib/jiji/shop/lock 2>/dev/null'))
      return (await Promise.all(found)).map(({ stdout }) => stdout).filter(Boolean)
    },
    async timesSent(since) {
      const log = await engine.docker('logs', '--since', since.toISOString(), 'jiji-registry')
      return timesIn(log, port)
    },
    async stop() {
      await rig.stop()
      await engine.stop()
      await project.remove()
    },
  }
  try {
    await shop.write('one', [])
    const { code, stderr } = await shop.deploy('one')
    if (code !== 0) throw new Error(stderr)
    for (const server of rig.servers) await server.delay(delay)
  } catch (error) {
    await shop.stop()
    throw error
  }
  return shop
}

async function timesIn(log: string, port: number): Promise<Record<string, number>> {
  const blobs = /"GET \/v2\/\S+\/blobs\/(\S+) HTTP\/1.1" 20\d (\d+) "[^"]*" "(\w+)/g
  const sent = new Map<string, number>()
  for (const [, digest, bytes, agent] of log.matchAll(blobs)) {
    const key = `${agent === 'docker' ? 'docker' : 'podman'} ${digest}`
    sent.set(key, (sent.get(key) ?? 0) + Number(bytes))
  }
  const times: Record<string, number> = {}
  for (const [key, bytes] of sent) {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/shop-web/blobs/${key.split(' ')[1]}`, { method: 'HEAD' })
    const size = Number(answer.headers.get('content-length'))
    if (size > 1_000_000) times[`${key.slice(0, 20)} of ${Math.round(size / 1e6)} MB`] = bytes / size
  }
  return times
}
