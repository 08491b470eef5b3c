import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const host = 'app.example.com'
const pairHost = 'pair.example.com'
const hostile = {
  PLAIN: `it's $HOME "and" \`id\` $(touch /tmp/pwned) \\n; #x |+*?`,
  SPACES: '  two  ',
  EMOJI: '🦜 ünï',
  LINES: "one\ntwo $(touch /tmp/pwned)\n'three'",
}

describeOnRig('services of several kinds, on Docker and on Podman', () => {
  let rig: Rig
  let project: Project
  const config = (services: string, more = '') => ({
    '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
deploy: {retain: 2, settle: 1s, stop_timeout: 1s}
${more}
services:
${services}
`,
  })
  const web = `  web:
    build: {context: .}
    hosts: [s1, s2]
    environment:
      clear: ${JSON.stringify(hostile)}
      secrets: [SECRET_LINES, RENAMED:SECRET_PLAIN]
    volumes: ["data:/data"]
    proxy: {app_port: 3000, hosts: [${host}]}
`
  const secrets = {
    SECRET_PLAIN: `${hostile.PLAIN} hidden`,
    SECRET_LINES: `-----BEGIN hidden\n${hostile.LINES}\nhidden END-----\n`,
  }
  const deploy = (version: string, ...more: string[]) =>
    project.jijiWith(secrets, 'deploy', '--version', version, ...more)
  const onEach = (line: (engine: string) => string) =>
    Promise.all(rig.servers.map(server => must(server, line(server.engine))))

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'services', images: ['caddy:2', 'busybox:1'] })
    project = await createProject(appFiles('one'))
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('a dry run shows the plan and every script, and changes nothing', async () => {
    await project.write(config(web))
    const { code, stdout, stderr } = await deploy('v1', '--dry-run', '-v')
    expect(code).toBe(0)
    expect(stdout).toContain('web: start localhost:9270/shop-web:v1')
    expect(stderr).toContain('docker run -d')
    expect(stderr).toContain('"$SECRET_PLAIN"')
    expect(await onEach(engine => `${engine} ps -aq`)).toEqual(['', ''])
  })

  test('whatever stands in the environment reaches the container unchanged and runs nothing', async () => {
    const { code, stderr, stdout } = await deploy('v1', '-v')
    expect(stderr).not.toContain('error:')
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain('hidden')
    for (const { address } of rig.servers) {
      const seen = JSON.parse((await ask({ address, host, path: '/env' })).body)
      expect(seen).toMatchObject({ ...hostile, SECRET_LINES: secrets.SECRET_LINES, RENAMED: secrets.SECRET_PLAIN })
    }
    for (const server of rig.servers) expect((await server.exec('ls /tmp/pwned')).code).not.toBe(0)
    expect(await onEach(engine => `${engine} volume ls -q | grep data`)).toEqual(['shop-web-data', 'shop-web-data'])
  })

  test('a worker without ports, a service with a fixed port, and an image as it is', async () => {
    const more = `${web}  worker:
    image: busybox:1
    hosts: [s1, s2]
    command: ["sleep", "10000"]
  fixed:
    build: {context: .}
    hosts: [s1, s2]
    ports: ["8090:3000"]
    stop_first: true
`
    await project.write(config(more))
    const { stderr } = await deploy('v2')
    // busybox:1 stands on the servers and can be pulled from nowhere.
    expect(stderr).toContain('busybox:1 could not be pulled')
    await project.write(config(more.replace('image: busybox:1', 'build: {context: worker}')))
    await project.write({ 'worker/Dockerfile': 'FROM busybox:1\n' })
    const { code } = await deploy('v2')
    expect(code).toBe(0)
    for (const { address } of rig.servers) expect((await ask({ address, port: 8090, host: 'any' })).body).toBe('one')
    await project.write(appFiles('two'))
    expect((await deploy('v3')).code).toBe(0)
    for (const { address } of rig.servers) expect((await ask({ address, port: 8090, host: 'any' })).body).toBe('two')
    const { stdout } = await project.jiji('status', '-o', 'json')
    const states = JSON.parse(stdout).services.map(
      (one: Record<string, string>) => `${one.service} ${one.server} ${one.version} ${one.state}`,
    )
    expect(states).toEqual(
      ['web', 'worker', 'fixed'].flatMap(name => [`${name} s1 v3 running`, `${name} s2 v3 running`]),
    )
  })

  test('a container that ends at once is unhealthy, and what ran before runs again', async () => {
    await project.write({ Dockerfile: 'FROM busybox:1\nCMD ["sh", "-c", "echo no configuration; exit 3"]\n' })
    const { code, stderr } = await deploy('v4', '-S', 'fixed')
    expect(code).toBe(6)
    await project.write(appFiles('two'))
    expect(stderr).toContain('no configuration')
    for (const { address } of rig.servers) {
      const fixed = () => ask({ address, port: 8090, host: 'any' }).then(({ body }) => body)
      await expect.poll(fixed).toBe('two')
    }
  })

  test('what a service no longer has is stopped, and old releases are removed', async () => {
    await project.write(config(web))
    for (const version of ['v5', 'v6', 'v7']) expect((await deploy(version)).code).toBe(0)
    const containers = await onEach(
      engine => `${engine} ps -a --filter label=jiji.project=shop --format '{{.Image}}' | sort`,
    )
    expect(containers).toEqual(Array(2).fill('localhost:9270/shop-web:v6\nlocalhost:9270/shop-web:v7'))
    const images = await onEach(
      engine => `${engine} images --format '{{.Repository}}:{{.Tag}}' | grep shop | sort -u | grep -v none`,
    )
    expect(images).toEqual(Array(2).fill('localhost:9270/shop-web:v6\nlocalhost:9270/shop-web:v7'))
  })

  test('a host name of another project is refused, and its owner is named', async () => {
    const other = await createProject({ ...appFiles('other') })
    await other.write({
      '.jiji/deploy.yml': config(web)['.jiji/deploy.yml'].replace('project: shop', 'project: other'),
    })
    const { code, stderr } = await other.jijiWith(secrets, 'deploy', '--version', 'v1')
    await other.remove()
    expect(stderr).toContain(`${host} belongs to the project shop`)
    expect(code).toBe(1)
  })

  test('of two deploys at once one goes, and one is told who holds the lock: exit 5', async () => {
    const both = await Promise.all([deploy('v8'), deploy('v9')])
    expect(both.map(({ code }) => code).toSorted()).toEqual([0, 5])
    const held = both.find(({ code }) => code === 5)
    expect(held?.stderr).toContain('the lock is held by')
    const state = await project.jiji('lock', 'status')
    expect(state.stdout).toMatch(/s1 +nobody.*\ns2 +nobody/)
  })

  test('a lock taken by hand holds until it is released; one whose holder lost its power does not', async () => {
    expect((await project.jiji('lock', 'acquire', '-m', 'database move')).code).toBe(0)
    const { code, stderr } = await deploy('v10')
    expect(stderr).toContain('database move')
    expect(code).toBe(5)
    expect((await project.jiji('lock', 'release')).code).toBe(0)
    for (const server of rig.servers) {
      await must(
        server,
        'mkdir -p /var/lib/jiji/shop/lock && echo "999999 another-boot" >/var/lib/jiji/shop/lock/holder',
      )
    }
    expect((await deploy('v10')).code).toBe(0)
  })

  test('another engine is refused on a server while this one has containers there, and nobody is told that none run', async () => {
    const [server] = rig.servers as [Server]
    const all = 'docker ps -aq; podman ps -aq; cat /var/lib/jiji/shop/current'
    const before = await must(server, all)
    const [[name, text]] = Object.entries(config(web)) as [[string, string]]
    await project.write({ [name]: text.replace('s1, engine: docker', 's1, engine: podman') })
    const message = expect.stringMatching(/s1: docker has .* of this project, and podman is configured/)
    const { code, stderr } = await deploy('v1', '-H', 's1')
    expect([code, stderr]).toEqual([1, message])
    const { stdout } = await project.jiji('status', '-o', 'json')
    const [there, elsewhere] = JSON.parse(stdout).services
    expect([there, elsewhere]).toMatchObject([
      { server: 's1', state: 'unknown', health: 'unknown', reason: message },
      { server: 's2', state: 'running', health: 'healthy' },
    ])
    const { checks } = JSON.parse((await project.jiji('doctor', '-H', 's1', '-o', 'json')).stdout)
    expect(checks).toContainEqual(expect.objectContaining({ place: 's1', check: 'engine', code: 'engine.changed' }))
    expect(await must(server, all)).toBe(before)
    await project.write(config(web))
    expect((await project.jiji('status', '-H', 's1')).code).toBe(0)
  })

  test('logs come from every server', async () => {
    const { stdout } = await project.jiji('logs', '-n', '1')
    expect(stdout).toContain('s1 web | version two listens')
    expect(stdout).toContain('s2 web | version two listens')
  })

  describe('one shares the network of another', () => {
    let pair: Project
    const appOf = (version: string) => `import { createServer } from 'node:http'
createServer(async (request, response) => {
  const beside = await fetch('http://127.0.0.1:8080').then(one => one.text(), error => String(error.cause))
  response.end(${JSON.stringify(version)} + ' ' + beside)
}).listen(3000)
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 200))`
    const sideOf = (version: string) => `import { createServer } from 'node:http'
createServer((request, response) => response.end(${JSON.stringify(version)})).listen(8080, '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))`
    // Before Node has begun, which may take longer than it must stay up.
    const startOf = (version: string) => `if [ ${version} = ill ] && [ -e /flags/ill ]; then
  echo no configuration >&2
  exit 3
fi
exec node app.mjs
`
    const sources = (version: string) => ({
      'app/app.mjs': appOf(version),
      'side/app.mjs': sideOf(version),
      'side/start.sh': startOf(version),
    })
    const write = async (version: string) => {
      await pair.write(sources(version))
      return (...more: string[]) => pair.jiji('deploy', '--version', version, ...more)
    }
    const answers = () =>
      Promise.all(rig.servers.map(async ({ address }) => (await ask({ address, host: pairHost })).body))
    const both = (version: string) => Array(2).fill(`${version} ${version}`)

    beforeAll(async () => {
      const { Dockerfile = '' } = appFiles('')
      pair = await createProject({
        'app/Dockerfile': Dockerfile,
        'side/Dockerfile': Dockerfile.replace('app.mjs', 'app.mjs start.sh').replace(
          '"node", "app.mjs"',
          '"sh", "start.sh"',
        ),
        '.jiji/deploy.yml': `project: pair
builder: {registry: {type: local}}
${serversOf(rig)}
deploy: {retain: 2, settle: 1s, stop_timeout: 1s}
services:
  side:
    build: {context: side}
    hosts: [s1, s2]
    network_mode: service:app
    directories: [flags:/flags]
  app:
    build: {context: app}
    hosts: [s1, s2]
    proxy: {app_port: 3000, hosts: [${pairHost}], healthcheck: {path: /}}
`,
      })
    })
    afterAll(() => pair?.remove())

    test('and is always beside the container that asks it, without a lost request', async () => {
      expect((await (await write('one'))()).code).toBe(0)
      const load = startLoad(
        rig.servers.map(({ address }) => ({ address, host: pairHost })),
        2,
      )
      const two = await write('two')
      const { code, stderr } = await two('-S', 'app')
      expect(stderr).toContain('side goes with app, whose network it shares')
      expect(code).toBe(0)
      expect(await answers()).toEqual(both('two'))
      const back = await pair.jiji('rollback')
      const { lost, bodies } = await load.stop()
      expect([back.code, lost, [...bodies].toSorted()]).toEqual([0, [], ['one one', 'two two']])
      expect(await answers()).toEqual(both('one'))
    })

    test('and where it is ill on one server, all goes back, and finds the network that it had', async () => {
      await must(rig.servers[1] as Server, 'touch /var/lib/jiji/pair/directories/side/flags/ill')
      const { code, stderr } = await (await write('ill'))()
      expect(code).toBe(6)
      expect(stderr).toContain('no configuration')
      expect(stderr).toContain('s2: side did not become healthy')
      expect(await answers()).toEqual(both('one'))
    })

    test('and comes back with its server', async () => {
      await Promise.all(
        rig.servers.map(async server => {
          await server.poweroff()
          await server.boot()
          // As a unit does where there is a systemd.
          await must(server, `sh /var/lib/jiji/start${server.engine === 'docker' ? '-docker' : ''}`)
        }),
      )
      await expect.poll(answers).toEqual(both('one'))
    })

    test('and is said to be without, where Docker has started that again; a restart mends it', async () => {
      const [docker] = rig.servers
      if (!docker) return
      const running =
        'docker inspect --format {{.State.Pid}} $(docker ps -q --filter label=jiji.project=pair --filter label=jiji.service=app)'
      await must(docker, `kill -9 $(${running})`)
      const stateOf = async () => {
        const { services } = JSON.parse((await pair.jiji('status', '-H', 's1', '-o', 'json')).stdout)
        return services.find(({ service }: { service: string }) => service === 'side')
      }
      const reason = 'app has started again, and has another network now: jiji service restart side'
      await expect.poll(stateOf).toMatchObject({ health: 'down', reason })
      expect((await pair.jiji('service', 'restart', 'side')).code).toBe(0)
      expect(await answers()).toEqual(both('one'))
      expect((await stateOf()).health).not.toBe('down')
    })

    test('and goes only together with it', async () => {
      const alone = await pair.jiji('service', 'remove', 'app', '--yes')
      expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining('side runs in the network of app')])
      expect((await pair.jiji('service', 'remove', 'app', 'side', '--yes')).code).toBe(0)
      expect(await onEach(engine => `${engine} ps -aq --filter label=jiji.project=pair`)).toEqual(['', ''])
    })
  })
})
