import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project } from './harness.ts'
import { ask } from './load.ts'
import { freePort } from './ports.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Engine, startEngine } from './rig/engine.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const host = 'app.example.com'
const megabytes = 15

/** Small but for one layer, which is not made anew with each version. */
const dockerfile = `FROM busybox:1
COPY large /
COPY www /www
CMD ["/bin/busybox", "httpd", "-f", "-p", "3000", "-h", "/www"]
`

describeOnRig('servers of one site', () => {
  let rig: Rig
  let engine: Engine
  let project: Project
  let port: number
  const servers = () => rig.servers as [Server, Server, Server, Server]

  /** A deploy.yml; more keys of servers by their names. */
  const configuration = (more: Record<string, string> = {}) => `project: shop
builder: {registry: {type: local, port: ${port}}}
ssh: {config: ${rig.sshConfigFile}}
servers:
${rig.servers.map(({ name, engine }) => `  ${name}: {host: ${name}, engine: ${engine}${more[name] ?? ''}}`).join('\n')}
services:
  web:
    build: {context: .}
    hosts: [s1, s2, s3, s4]
    proxy: {app_port: 3000, hosts: [${host}]}
deploy: {stop_timeout: 1s}
`
  const write = async (version: string, { isLarge = true } = {}) => {
    await project.write({ 'www/index.html': version, 'www/up': '' })
    if (isLarge) await writeFile(join(project.folder, 'large'), randomBytes(megabytes * 1_000_000))
  }
  /** What this machine has sent into the network of the servers. */
  const sent = () => Number(readFileSync(`/sys/class/net/${basename(rig.dir)}-ctl/statistics/tx_bytes`, 'utf8'))
  const deploy = async (version: string, meanwhile = async () => {}) => {
    const before = sent()
    const running = project.start({ DOCKER_HOST: engine.host }, 'deploy', '--version', version)
    await meanwhile()
    const { code, stderr } = await running.result
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe(version)
    return { stderr, layers: (sent() - before) / (megabytes * 1e6) }
  }
  const idsOf = async (version: string) => {
    const name = `localhost:${port}/shop-web:${version}`
    const ids = servers().map(({ engine, exec }) => exec(`${engine} image inspect --format '{{.Id}}' ${name}`))
    return new Set((await Promise.all(ids)).map(({ stdout }) => stdout.trim().replace('sha256:', '')))
  }
  const trustOn = (server: Server) =>
    must(server, 'umask 077; cat >/root/.ssh/id_ed25519', { input: readFileSync(rig.key) })
  /** Has a server's engine do something of its own before it takes an image, or instead. */
  const onLoad = async ({ engine, exec }: Server, deed: string) => {
    const script = `#!/bin/sh\ncase $1 in load) ${deed} ;; esac\nexec "$0.real" "$@"\n`
    await exec(`file=$(command -v ${engine}); mv $file $file.real; cat >$file; chmod 755 $file`, { input: script })
  }
  const asBefore = ({ engine, exec }: Server) => exec(`file=$(command -v ${engine}); mv $file.real $file`)
  const transfers = async ({ processes }: Server) =>
    (await processes()).filter(line => /^ssh |(docker|podman)(\.real)? (save|load)/.test(line))
  const until = async (isTrue: () => Promise<boolean>) => {
    while (!(await isTrue())) await new Promise(resolve => setTimeout(resolve, 20))
  }

  beforeAll(async () => {
    ;[rig, engine, port] = await Promise.all([
      startRig({ servers: ['docker', 'podman', 'docker', 'podman'], name: 'site', images: ['caddy:2'] }),
      startEngine(['registry:2', 'busybox:1']),
      freePort(),
    ])
    project = await createProject({ Dockerfile: dockerfile, '.jiji/deploy.yml': configuration() })
  })
  afterAll(async () => {
    await rig?.stop()
    await engine?.stop()
    await project?.remove()
  })

  test('that do not trust each other get images from here, and it is said what would change that', async () => {
    await write('none')
    const { stderr, layers } = await deploy('none')
    expect(stderr).toMatch(
      /^s1 +cannot log in to s2, s3, s4 \(Permission denied \(publickey\)\): images go there from here\. .*authorized_keys.*seed: false$/m,
    )
    expect(stderr.match(/cannot log in/g)).toHaveLength(1)
    expect(layers).toBeGreaterThan(4)
  })

  test('get them from one, to which they are sent once', async () => {
    await trustOn(servers()[0])
    await write('one')
    const { stderr, layers } = await deploy('one')
    expect(stderr).toMatch(/^s1 +gets images from here, and hands them on to s2, s3, s4$/m)
    for (const { name, address } of servers().slice(1)) {
      const way = `from s1, over SSH between them, which may log in to root@${address}`
      expect(stderr).toMatch(new RegExp(`^${name} +gets images ${way}$`, 'm'))
      expect(stderr).toMatch(new RegExp(`^${name} +pulled localhost:${port}/shop-web:one from s1$`, 'm'))
    }
    expect(stderr).toMatch(/^s1 +pulled web: \d+ of \d+ parts were missing, 1\d MB$/m)
    expect(layers).toBeGreaterThan(1)
    expect(layers).toBeLessThan(1.3)
    expect(await idsOf('one')).toHaveProperty('size', 1)
  })

  test('get them from it again, of which it has got only what is new', async () => {
    await write('little', { isLarge: false })
    const { stderr, layers } = await deploy('little')
    expect(stderr).toMatch(/^s1 +pulled web: \d+ of \d+ parts were missing, [\d.]+ kB$/m)
    expect(stderr.match(/pulled .* from s1$/gm)).toHaveLength(3)
    expect(layers).toBeLessThan(0.2)
  })

  test('get what is not handed on from here: the one whose transfer is killed, and the one whose disk is full', async () => {
    const [first, second, third, fourth] = servers()
    await onLoad(second, 'sleep 5')
    await onLoad(third, 'head -c 1000000 >/dev/null; echo "no space left on device" >&2; exit 1')
    await write('broken')
    const { stderr, layers } = await deploy('broken', async () => {
      await until(async () => (await transfers(second)).length > 0)
      await must(first, `pkill -f '^ssh .*${second.address} '`)
    })
    for (const server of [second, third]) await asBefore(server)
    expect(stderr).toMatch(/^s2 +s1 could not hand .*:broken on \(.*\): it comes from here instead$/m)
    expect(stderr).toMatch(
      /^s3 +s1 could not hand .*:broken on \(no space left on device\): it comes from here instead$/m,
    )
    expect(stderr).toMatch(new RegExp(`^${fourth.name} +pulled localhost:${port}/shop-web:broken from s1$`, 'm'))
    expect(layers).toBeGreaterThan(3)
    expect(layers).toBeLessThan(3.5)
    expect(await idsOf('broken')).toHaveProperty('size', 1)
  })

  test('go on getting them from one whose connection was lost meanwhile', async () => {
    const [first, second] = servers()
    await onLoad(second, 'sleep 2')
    await write('lost')
    const { stderr, layers } = await deploy('lost', async () => {
      await until(async () => (await transfers(second)).length > 0)
      await must(first, "pkill -KILL -f '^[s]shd: root'")
    })
    await asBefore(second)
    expect(stderr).toMatch(/^s1 +connected again$/m)
    expect(stderr).not.toContain('could not hand')
    expect(layers).toBeLessThan(1.3)
    expect(await idsOf('lost')).toHaveProperty('size', 1)
  })

  test('are left with nothing by an interrupt in the middle', async () => {
    const [first, second] = servers()
    await onLoad(second, 'sleep 20')
    await write('interrupted')
    const { body } = await ask({ address: first.address, host })
    const running = project.start({ DOCKER_HOST: engine.host }, 'deploy', '--version', 'interrupted')
    await until(async () => (await transfers(second)).length > 0)
    expect(await transfers(first)).not.toEqual([])
    running.kill('SIGINT')
    const { code } = await running.result
    expect(code).toBe(130)
    await must(second, "pkill -f '^sleep 20'")
    await asBefore(second)
    await until(async () => (await Promise.all(servers().map(transfers))).flat().length === 0)
    for (const server of servers())
      expect((await server.exec('ls /dev/shm /root/.ssh')).stdout).not.toMatch(/jiji|known/)
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe(body)
  })

  test('get them as their seeds say, in a chain, and are asked nothing', async () => {
    const [, second, third, fourth] = servers()
    await trustOn(second)
    await project.write({
      '.jiji/deploy.yml': configuration({ s2: ', seed: s1', s3: ', seed: false', s4: ', seed: s2' }),
    })
    const shown = await project.jijiWith({ DOCKER_HOST: engine.host }, 'deploy', '--dry-run')
    expect(shown.stdout).toMatch(/s2 \(podman\)\n +get images from s1\n[\s\S]*s4 \(podman\)\n +get images from s2\n/)
    const before = servers().map(server => server.connections())
    await write('chain')
    const { stderr, layers } = await deploy('chain')
    expect(stderr).toMatch(/^s1 +gets images from here, and hands them on to s2$/m)
    expect(stderr).toMatch(
      /^s2 +gets images from s1, over SSH between them, as its seed says, and hands them on to s4$/m,
    )
    expect(stderr).toMatch(/^s3 +gets images from here, as its seed says$/m)
    expect(stderr).toMatch(/^s4 +pulled localhost:\d+\/shop-web:chain from s2$/m)
    expect(layers).toBeGreaterThan(2)
    expect(layers).toBeLessThan(2.5)
    const logins = servers().map((server, index) => server.connections() - (before[index] ?? 0))
    expect(logins).toEqual([1, 2, 1, 2])
    expect(await idsOf('chain')).toHaveProperty('size', 1)
    expect([third.engine, fourth.engine]).toEqual(['docker', 'podman'])
  })
})
