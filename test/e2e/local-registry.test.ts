import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project } from './harness.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Engine, startEngine } from './rig/engine.ts'

const image = 'registry:2'

describeOnRig('the local registry', () => {
  let engine: Engine
  const projects: Project[] = []
  const ports: number[] = []
  const here = () => ({ DOCKER_HOST: engine.host })

  /** A project whose services are files of random bytes, which no layer shares with another. */
  const createShop = async (project: string, port: number) => {
    const shop = await createProject({
      ...contents(1),
      '.jiji/deploy.yml': `project: ${project}
builder: {registry: {type: local, port: ${port}}}
servers: {here: {host: local}}
deploy: {retain: 2}
services:
  web: {build: {context: .}, hosts: [here]}
`,
    })
    projects.push(shop)
    return shop
  }

  beforeAll(async () => {
    engine = await startEngine([image, 'busybox:1'])
    ports.push(await freePort(), await freePort())
  })
  afterAll(async () => {
    await engine?.stop()
    for (const project of projects) await project.remove()
  })

  const setUp = (project: Project, ...words: string[]) => project.jijiWith(here(), 'registry', 'setup', ...words)
  const idOf = () => engine.docker('inspect', '--format', '{{.Id}}', 'jiji-registry')

  /** Bytes on the disk of the volume. */
  const diskUsed = async () => {
    const { stdout } = await execa('du', ['-sb', engine.volume('jiji-registry')])
    return Number.parseInt(stdout, 10)
  }

  test('of somebody else is not touched, neither by setup nor by remove, and not by a deploy', async () => {
    const project = await createShop('shop', ports[0] ?? 0)
    const id = await engine.docker('run', '-d', '--name', 'jiji-registry', image)
    for (const words of [['registry', 'setup'], ['registry', 'remove', '--yes'], ['build']]) {
      const { code, stderr } = await project.jijiWith(here(), ...words)
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining('docker has a container jiji-registry that jiji has not made\n  it is left alone'),
      ])
    }
    expect(await engine.docker('inspect', '--format', '{{.Id}} {{.State.Running}}', 'jiji-registry')).toBe(`${id} true`)
    await engine.docker('rm', '-f', '-v', id)
  })

  test('listens on 127.0.0.1 only, starts with the engine, and runs once', async () => {
    const [project] = projects
    if (!project) throw new Error('there is a project')
    expect((await setUp(project)).stdout).toContain('done')
    const id = await idOf()
    expect((await setUp(project)).stdout).toContain('already')
    expect(await idOf()).toBe(id)
    const ports = '{{json .HostConfig.PortBindings}} {{.HostConfig.RestartPolicy.Name}}'
    expect(await engine.docker('inspect', '--format', ports, 'jiji-registry')).toMatch(
      /^\{"5000\/tcp":\[\{"HostIp":"127\.0\.0\.1","HostPort":"\d+"\}\]\} unless-stopped$/,
    )
  })

  test('has another port when the configuration says so, and holds what it held', async () => {
    const [first] = projects
    const second = await createShop('other', ports[1] ?? 0)
    expect((await first?.jijiWith(here(), 'build', '--version', 'v1'))?.code).toBe(0)
    const { code, stderr } = await second.jijiWith(here(), 'build', '--version', 'v1')
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(`the local registry runs anew: its port changed from ${ports[0]} to ${ports[1]}`),
    ])
    expect(await catalogue(ports[1])).toEqual(['other-web', 'shop-web'])
    const back = await setUp(first as Project, '-o', 'json')
    expect(JSON.parse(back.stdout).rows[0]).toMatchObject({
      state: 'done',
      reason: expect.stringContaining(`its port changed from ${ports[1]} to ${ports[0]}`),
    })
    expect(await catalogue(ports[0])).toEqual(['other-web', 'shop-web'])
  })

  test('is listed, with sizes that count what is shared once', async () => {
    const [project] = projects
    await project?.write(contents(1))
    expect((await project?.jijiWith(here(), 'build', '--version', 'v2'))?.code).toBe(0)
    const { stdout } = (await project?.jijiWith(here(), 'registry', 'list', '-o', 'json')) ?? { stdout: '' }
    const { images } = JSON.parse(stdout)
    expect(images.map(({ repository, tags }: Listed) => [repository, tags.map(({ tag }) => tag).sort()])).toEqual([
      ['other-web', ['v1']],
      ['shop-web', ['v1', 'v2']],
    ])
    for (const { tags } of images as Listed[])
      for (const { size, created, digest } of tags) {
        expect(size).toBeGreaterThan(750_000)
        expect(Date.now() - Date.parse(created)).toBeLessThan(600_000)
        expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
      }
    const table = (await project?.jijiWith(here(), 'registry', 'list'))?.stdout ?? ''
    expect(table).toMatch(/^shop-web +2 +[\d.]+ MB +\d+s$/m)
    const all = Number(/holds ([\d.]+) MB/.exec(table)?.[1]) * 1e6
    expect(Math.abs(all - (await diskUsed()))).toBeLessThan(300_000)
  })

  test('does not get a port that something else has, and goes on as it was', async () => {
    const [project] = projects
    const id = await idOf()
    const squatter = createServer()
    const taken = await listenOn(squatter, 0)
    await project?.write({ '.jiji/deploy.taken.yml': `builder: {registry: {port: ${taken}}}\n` })
    const { code, stdout } = await setUp(project as Project, '-e', 'taken', '-o', 'json')
    squatter.close()
    expect([code, JSON.parse(stdout).error]).toEqual([
      1,
      expect.objectContaining({
        code: 'port.taken',
        message: `port ${taken} of this machine is in use, and not by the local registry`,
        hint: expect.stringContaining('builder.registry.port'),
      }),
    ])
    expect(await idOf()).toBe(id)
    expect(await catalogue(ports[0])).toEqual(['other-web', 'shop-web'])
    expect(await engine.docker('ps', '-aq', '--filter', 'name=next')).toBe('')
  })
})

type Listed = { repository: string; tags: { tag: string; size: number; created: string; digest: string }[] }

/** What an image is built of; about 2 MB that cannot be compressed. */
function contents(megabytes: number): Record<string, string> {
  return {
    Dockerfile: 'FROM busybox:1\nCOPY data /data\nCMD ["sleep", "1000"]\n',
    data: randomBytes(megabytes * 750_000).toString('base64'),
  }
}

async function catalogue(port: number | undefined): Promise<string[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/v2/_catalog`)
  return ((await answer.json()) as { repositories: string[] }).repositories
}

function listenOn(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listenOn(server, 0)
  await new Promise(resolve => server.close(resolve))
  return port
}
