import { createHash } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, serversOf } from './harness.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Registry, startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const secret = 's3cret of the build'
const hash = createHash('sha256').update(secret).digest('hex')
const password = 'p4ssword-of-dave'

const files = {
  Dockerfile: `FROM busybox:1
RUN --mount=type=secret,id=NPM_TOKEN sha256sum </run/secrets/NPM_TOKEN >/knew
COPY . /context
`,
  '.dockerignore': '.env\nnode_modules\nsrc/secret*\n',
  '.env': `NPM_TOKEN=${secret}\n`,
  'node_modules/heavy': 'heavy',
  'src/app': 'the app\n',
  'src/secret.txt': 'not for the image',
  'with space/ü': 'x',
}

const copied = ['.dockerignore', '.jiji/deploy.yml', 'Dockerfile', 'src/app', 'with space/ü']

const services = `services:
  web: &built {build: {context: ., secrets: [NPM_TOKEN]}, hosts: [s3], command: ["sleep", "600"]}
  worker: *built
`

/** Debian's own client has BuildKit; newer ones need a plug-in. */
async function prepare({ servers: [docker] }: Rig): Promise<void> {
  if (docker) await must(docker, 'rm -f /usr/local/bin/docker')
}

async function leftOn(builder: Server): Promise<string> {
  return must(
    builder,
    'ls -d /var/tmp/jiji* /tmp/jiji* /dev/shm/jiji* /run/jiji* 2>/dev/null; ss -Hltn sport = :9270; :',
  )
}

describeOnRig('a builder elsewhere', () => {
  let rig: Rig
  let registry: Registry
  let project: Project
  let registryHere: Project
  const config = (engine: string, registryLine: string, more = services) => ({
    '.jiji/deploy.yml': `project: shop
builder:
  engine: ${engine}
  local: false
  remote: ssh://root@${engine === 'docker' ? 's1' : 's2'}
  registry: ${registryLine}
deploy: {settle: 500ms, stop_timeout: 1s}
${serversOf(rig).replace(/^ {2}s[12].*\n/gm, '')}${more}`,
  })
  const builderOf = (engine: string): Server => {
    const builder = rig.servers[engine === 'docker' ? 0 : 1]
    if (!builder) throw new Error('there are three servers')
    return builder
  }
  const environment = () => ({ DAVE: password, PATH: `${registryHere.folder}:${process.env.PATH}` })

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman', 'docker'], name: 'builder', images: ['busybox:1'] })
    await prepare(rig)
    registry = await startRegistry({ address: rig.controller, users: { dave: password }, trustedBy: rig.servers })
    project = await createProject(files)
    // The one registry of this machine is Docker's, also where the builder is Podman's.
    registryHere = await createProject({
      podman: '#!/bin/sh\n[ "$1" != version ] || exec /usr/bin/podman "$@"\nexec docker "$@"\n',
    })
    await chmod(join(registryHere.folder, 'podman'), 0o755)
  })
  afterAll(async () => {
    await registry?.stop()
    await rig?.stop()
    await project?.remove()
    await registryHere?.remove()
  })

  test.each(['docker', 'podman'])(
    '%s builds there and pushes to the registry here, once for two services',
    async engine => {
      await project.write(config(engine, '{type: local}'))
      const watch = watchProcesses([secret])
      const { code, stdout, stderr } = await project.jijiWith(environment(), 'deploy', '--version', engine, '-v')
      expect(watch.stop().seen).toEqual([])
      expect([code, stderr]).toEqual([0, expect.not.stringMatching(/^error:/m)])
      expect(stdout + stderr).not.toContain(secret)
      expect(stderr.match(/ built localhost/g)).toHaveLength(1)
      expect(stderr.match(/ sent /g)).toHaveLength(1)
      const [, , server] = rig.servers
      if (!server) throw new Error('there are three servers')
      for (const service of ['web', 'worker']) {
        const inside = `docker exec $(docker ps -q --filter label=jiji.service=${service}) sh -c`
        expect(await must(server, `${inside} 'cat /knew'`)).toBe(`${hash}  -`)
        const there = await must(server, `${inside} 'cd /context; cat src/app; find . -type f | sort'`)
        expect(there.split('\n')).toEqual(['the app', ...copied.map(name => `./${name}`)])
      }
      const builder = builderOf(engine)
      expect(await leftOn(builder)).toBe('')
      expect(await builder.filesHolding(secret)).toEqual([])
      const { stdout: names } = await builder.exec(`${engine} images --format '{{.Repository}}:{{.Tag}}'`)
      expect(names).not.toContain('127.0.0.1')
    },
  )

  test.each(['docker', 'podman'])(
    '%s builds there and pushes to a registry elsewhere, with its login',
    async engine => {
      await project.write(config(engine, `{server: "${registry.host}", username: dave, password: DAVE}`))
      const watch = watchProcesses([secret, password])
      const words = ['build', '--version', `${engine}2`, '-S', 'web', '-o', 'json']
      const { code, stdout, stderr } = await project.jijiWith(environment(), ...words)
      expect(watch.stop().seen).toEqual([])
      expect([code, stderr]).toEqual([0, expect.not.stringMatching(/^error:/m)])
      expect(JSON.parse(stdout).images).toEqual([
        { service: 'web', name: `${registry.host}/shop-web:${engine}2`, digest: expect.stringMatching(/^sha256:/) },
      ])
      const builder = builderOf(engine)
      expect(await leftOn(builder)).toBe('')
      for (const text of [secret, password]) expect(await builder.filesHolding(text)).toEqual([])
    },
  )

  test('a connection that is lost during the build is an error, and leaves nothing', async () => {
    const builder = builderOf('docker')
    await project.write({
      ...config('docker', '{type: local}'),
      Dockerfile: `${files.Dockerfile}RUN echo asleep && sleep 61\n`,
    })
    const running = project.start(environment(), 'build', '--version', 'lost', '-v')
    await running.says('asleep')
    expect(await leftOn(builder)).toContain('jiji-build')
    await must(builder, "pkill -KILL -f '^[s]shd: root'")
    const { code, stderr } = await running.result
    expect([code, stderr]).toEqual([4, expect.stringMatching(/builder .* was lost/)])
    const left = async () => {
      const running = (await builder.processes()).filter(line => /docker build|sleep 61/.test(line))
      return [await leftOn(builder), ...running]
    }
    await expect.poll(left).toEqual([''])
    expect(await builder.filesHolding(secret)).toEqual([])
    await project.write(files)
  })

  test('the first build that fails stops the others, and says whose it was', async () => {
    const two = `services:
  web: {build: {context: src, dockerfile: slow}, hosts: [s3]}
  worker: {build: {context: src, dockerfile: bad}, hosts: [s3]}
`
    await project.write({
      ...config('docker', '{type: local}', two),
      'src/slow': 'FROM busybox:1\nRUN sleep 620\n',
      'src/bad': 'FROM busybox:1\nRUN echo no such thing >&2 && exit 3\n',
    })
    const began = Date.now()
    const { code, stderr } = await project.jiji('build', '--version', 'two')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/error: worker: the build failed with status/)])
    expect(stderr).toContain('no such thing')
    expect(Date.now() - began).toBeLessThan(120_000)
    expect(await leftOn(builderOf('docker'))).toBe('')
  })

  test('a build here may use a key', async () => {
    // Debian's own client, which has BuildKit.
    await registryHere.write({
      Dockerfile: 'FROM busybox:1\nRUN --mount=type=ssh,id=key test -S "$SSH_AUTH_SOCK" && echo lent >/agent\n',
      docker: '#!/bin/sh\nexec /usr/bin/docker "$@"\n',
      '.jiji/deploy.yml': `project: keys
builder: {registry: {type: local}}
servers: {s1: {host: local}}
services:
  web: {build: {context: ., ssh: ["key=${rig.key}"]}, hosts: [s1]}
`,
    })
    await chmod(join(registryHere.folder, 'docker'), 0o755)
    const { code, stderr } = await registryHere.jijiWith(environment(), 'build', '--no-push', '--version', 'v1')
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/^error:/m)])
    const image = 'localhost:9270/keys-web:v1'
    expect((await execa('docker', ['run', '--rm', '--network', 'none', image, 'cat', '/agent'])).stdout).toBe('lent')
    await execa('docker', ['rmi', image])
  })

  test('a builder that cannot be reached, or has no engine, stops a deploy before anything', async () => {
    const [first, , server] = rig.servers
    const before = server?.connections()
    const text = config('docker', '{type: local}')['.jiji/deploy.yml']
    await project.write({ '.jiji/deploy.yml': text.replace('ssh://root@s1', 'ssh://root@s1:1') })
    const wrongPort = await project.jijiWith(environment(), 'deploy')
    expect([wrongPort.code, wrongPort.stderr]).toEqual([4, expect.stringContaining('builder (')])
    await project.write({ '.jiji/deploy.yml': text.replace('engine: docker', 'engine: podman') })
    if (first) await must(first, 'mv /usr/bin/podman /usr/bin/podman.gone')
    const noEngine = await project.jijiWith(environment(), 'deploy')
    expect([noEngine.code, noEngine.stderr]).toEqual([
      1,
      expect.stringMatching(/builder: podman is not installed\n.*builder\.engine/),
    ])
    expect(server?.connections()).toBe(before)
  })
})

describeOnRig('a builder whose sshd forbids tunnels', () => {
  let rig: Rig
  let project: Project

  beforeAll(async () => {
    const sshd = ['AllowTcpForwarding no']
    rig = await startRig({ servers: ['docker'], name: 'nobuild', images: ['busybox:1'], sshd })
    await prepare(rig)
    project = await createProject({
      Dockerfile: 'FROM busybox:1\nCOPY app /app\n',
      app: 'x',
      '.jiji/deploy.yml': `project: shop
builder: {remote: ssh://s1, registry: {type: local}}
${serversOf(rig)}
services:
  web: {build: {context: .}, hosts: [s1], command: ["sleep", "600"]}
`,
    })
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('has its image fetched and pushed from here', async () => {
    const { code, stdout, stderr } = await project.jiji('build', '--version', 'v1', '-o', 'json')
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('no tunnel, so that the image comes through the connection itself'),
    ])
    expect(JSON.parse(stdout).images).toMatchObject([{ digest: expect.stringMatching(/^sha256:/) }])
  })
})
