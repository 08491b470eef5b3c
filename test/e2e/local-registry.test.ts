import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project } from './harness.ts'
import { freePort, listenOn } from './ports.ts'
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

  const prune = (...words: string[]) =>
    (projects[0] as Project).jijiWith(here(), 'registry', 'prune', ...words, '-o', 'json')
  const pruned = async (...words: string[]) => {
    const { code, stdout, stderr } = await prune(...words)
    expect([code, stderr]).toEqual([0, ''])
    const { removed, freed, manifests } = JSON.parse(stdout)
    return {
      removed: removed.flatMap(({ repository, tags }: { repository: string; tags: string[] }) =>
        tags.map(tag => `${repository}:${tag}`),
      ) as string[],
      freed: freed as number,
      manifests: manifests as number,
    }
  }
  const build = async (project: Project | undefined, version: string) => {
    await project?.write(contents(1))
    const { code, stderr } = (await project?.jijiWith(here(), 'build', '--version', version)) ?? {}
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
  }
  /** From the registry, and not from what the engine has. */
  const pull = async (name: string) => {
    const names = (await engine.docker('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n')
    const ours = names.filter(one => /^(localhost|127\.0\.0\.1):/.test(one))
    if (ours.length > 0) await engine.docker('rmi', '-f', ...ours)
    await engine.docker('image', 'prune', '-f')
    return engine.docker('pull', '-q', `127.0.0.1:${ports[0]}/${name}`)
  }

  test('is pruned of what is not among the newest of the project, whose room comes back', async () => {
    const [shop] = projects
    for (const version of ['v3', 'v4']) await build(shop, version)
    const planned = ['shop-web:v1', 'shop-web:v2']
    const before = await diskUsed()
    expect((await pruned('--dry-run')).removed.sort()).toEqual(planned)
    const unasked = await prune()
    expect([unasked.code, JSON.parse(unasked.stdout).error.code]).toEqual([2, 'usage.needs-confirmation'])
    expect([await diskUsed(), await tagsOf(ports[0], 'shop-web')]).toEqual([before, ['v1', 'v2', 'v3', 'v4']])

    const { removed, freed } = await pruned('--yes')
    expect(removed.sort()).toEqual(planned)
    const after = await diskUsed()
    expect(before - after).toBeGreaterThan(2 * 750_000)
    expect(Math.abs(freed - (before - after))).toBeLessThan(100_000)
    expect(await tagsOf(ports[0], 'shop-web')).toEqual(['v3', 'v4'])
    expect(await tagsOf(ports[0], 'other-web')).toEqual(['v1'])
    for (const name of ['shop-web:v3', 'shop-web:v4', 'other-web:v1']) expect(await pull(name)).toContain(name)
    await expect(pull('shop-web:v1')).rejects.toThrow(/manifest unknown|not found/)
    expect((await pruned('--yes')).removed).toEqual([])
  })

  test('takes again what it was pruned of', async () => {
    const [shop] = projects
    const same = contents(1)
    const buildSame = async (version: string) => {
      await shop?.write(same)
      expect((await shop?.jijiWith(here(), 'build', '--version', version))?.code).toBe(0)
    }
    await buildSame('again')
    for (const version of ['v5', 'v6']) await build(shop, version)
    expect((await pruned('--yes')).removed.sort()).toEqual(['shop-web:again', 'shop-web:v3', 'shop-web:v4'])
    await buildSame('again')
    expect(await pull('shop-web:again')).toContain('again')
  })

  test('is pruned of what lost its tag, but not of the parts of an image for several platforms', async () => {
    const [shop] = projects
    const parts = await putIndex(ports[0], 'other-web', 'v1', 'multi')
    const before = await diskUsed()
    await build(shop, 'v6')
    const { removed, manifests } = await pruned('--all', '--older-than', '1w', '--yes')
    expect([removed, manifests]).toEqual([[], 0])
    expect((await pruned('--yes')).manifests).toBeGreaterThan(0)
    expect(Math.abs((await diskUsed()) - before)).toBeLessThan(2_000_000)
    for (const digest of parts)
      expect((await fetch(`http://127.0.0.1:${ports[0]}/v2/other-web/manifests/${digest}`)).status).toBe(200)
  })

  test('is pruned by age, of one project or of all', async () => {
    const age = async (name: string, tag: string) => {
      const tags = `docker/registry/v2/repositories/${name}/_manifests/tags/${tag}/current/link`
      await execa('touch', ['-d', '40 days ago', `${engine.volume('jiji-registry')}/${tags}`])
    }
    await age('shop-web', 'v6')
    await age('other-web', 'v1')
    expect((await pruned('--older-than', '50d', '--all', '--yes')).removed).toEqual([])
    expect((await pruned('--older-than', '30d', '--project', 'none', '--yes')).removed).toEqual([])
    expect((await pruned('--older-than', '30d', '--yes')).removed).toEqual(['shop-web:v6'])
    expect((await pruned('--older-than', '30d', '--project', 'other', '--dry-run')).removed).toEqual(['other-web:v1'])
    expect((await pruned('--older-than', '30d', '--all', '--yes')).removed).toEqual(['other-web:v1'])
    expect(await engine.docker('ps', '-a', '--format', '{{.Names}}')).toBe('jiji-registry')
  })

  test('is pruned only where it runs', async () => {
    await engine.docker('stop', 'jiji-registry')
    const { code, stdout } = await prune('--yes')
    expect([code, JSON.parse(stdout).error.message]).toEqual([1, 'the local registry does not run'])
    expect((await setUp(projects[0] as Project)).code).toBe(0)
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

async function tagsOf(port: number | undefined, repository: string): Promise<string[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/v2/${repository}/tags/list`)
  return ((await answer.json()) as { tags: string[] }).tags.toSorted()
}

/** Makes an image for two platforms out of one that is there. @returns the digests of its manifests, which have no tags */
async function putIndex(port: number | undefined, repository: string, from: string, tag: string): Promise<string[]> {
  const url = `http://127.0.0.1:${port}/v2/${repository}/manifests`
  const type = 'application/vnd.docker.distribution.manifest.v2+json'
  const text = await (await fetch(`${url}/${from}`, { headers: { accept: type } })).text()
  const put = async (reference: string, body: string, type: string) => {
    const { status } = await fetch(`${url}/${reference}`, { method: 'PUT', body, headers: { 'content-type': type } })
    if (status !== 201) throw new Error(`${reference}: ${status}`)
  }
  const manifests = []
  for (const architecture of ['amd64', 'arm64']) {
    const body = `${text}${architecture === 'arm64' ? '\n\n' : '\n'}`
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
    await put(digest, body, type)
    manifests.push({ mediaType: type, digest, size: body.length, platform: { architecture, os: 'linux' } })
  }
  const list = 'application/vnd.docker.distribution.manifest.list.v2+json'
  await put(tag, JSON.stringify({ schemaVersion: 2, mediaType: list, manifests }), list)
  return manifests.map(({ digest }) => digest)
}
