import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { freePort } from './ports.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Engine, startEngine } from './rig/engine.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

describeOnRig('images from the registry of this machine', () => {
  let rig: Rig
  let engine: Engine
  let project: Project
  let port: number
  const servers = () => rig.servers as [Server, Server]
  const here = () => ({ DOCKER_HOST: engine.host })
  const deploy = (...words: string[]) => project.jijiWith(here(), 'deploy', ...words)
  const yaml = (registryPort: number, user = '') => `project: shop
builder: {registry: {type: local, port: ${registryPort}}}
${serversOf(rig)}${user}
services:
  web: {build: {context: .}, hosts: [s1, s2]}
`

  beforeAll(async () => {
    ;[rig, engine, port] = await Promise.all([
      startRig({ servers: ['docker', 'podman'], name: 'port', images: ['node:20-slim'] }),
      startEngine(['registry:2', 'node:20-slim']),
      freePort(),
    ])
    project = await createProject({ ...appFiles('one'), '.jiji/deploy.yml': yaml(port) })
  })
  afterAll(async () => {
    await rig?.stop()
    await engine?.stop()
    await project?.remove()
  })

  const planned = async (...words: string[]) => {
    const { code, stdout } = await deploy('--dry-run', ...words)
    expect(code).toBe(0)
    return stdout
  }

  test('move as the plan has said, which knows nothing before the first build', async () => {
    expect((await planned('--version', 'one')).match(/not known before the first build/g)).toHaveLength(2)
    expect((await deploy('--version', 'one', '-H', 's1')).code).toBe(0)

    await project.write(appFiles('two'))
    const plan = await planned('--version', 'two')
    expect(plan).toMatch(/s1 \(docker\)\n.*\n {6}only what changed since one moves, of ([\d.]+ MB)\n/)
    const size = /s2 \(podman\)\n.*\n {6}about ([\d.]+ MB) move, like one/.exec(plan)?.[1]
    const again = JSON.parse(await planned('--version', 'one', '-o', 'json'))
    expect(again.servers.map(({ moves }: { moves: unknown }) => moves)).toEqual([
      [{ service: 'web', image: { version: 'one', size: expect.any(Number), missing: 0 } }],
      [{ service: 'web', image: { version: 'one', size: expect.any(Number), missing: expect.any(Number) } }],
    ])

    const { code, stderr } = await deploy('--version', 'two')
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/s1 .*pulled web: 2 of \d+ parts were missing, [\d.]+ kB/),
    ])
    expect(size).toBe(/s2 .*pulled web: (\d+) of \1 parts were missing, ([\d.]+ MB)/.exec(stderr)?.[2])
  })

  const listenThere = async (server: Server, listenPort: number): Promise<() => Promise<void>> => {
    const listen = `require('net').createServer(s => s.end('hello')).listen(${listenPort}, '127.0.0.1')`
    const squatter = server.exec(`echo $$ >/run/squatter; exec ${process.execPath} -e "${listen}"`)
    while ((await server.exec(`ss -Hltn 'sport = :${listenPort}'`)).stdout === '')
      await new Promise(resolve => setTimeout(resolve, 50))
    return async () => {
      await must(server, 'kill $(cat /run/squatter)')
      await squatter
    }
  }
  const sshd = async (server: Server, line: string) => {
    await must(server, `sed -i '/^PermitListen/d;1i ${line}' /root/.rig/sshd_config`)
    await server.reloadSshd()
  }
  const tunnelTo = (server: string, stderr: string) =>
    stderr.split('\n').find(line => line.startsWith(server) && line.includes(' tunnel'))

  test('come through another port where the usual one is taken, and the output says by what', async () => {
    const [s1] = servers()
    const stop = await listenThere(s1, port)
    const { code, stderr } = await deploy('--version', 'two', '-H', 's1')
    await stop()
    expect([code, tunnelTo('s1', stderr)]).toEqual([
      0,
      expect.stringContaining(
        `to the registry here: port ${port} is in use there, by something that does not answer as a registry (builder.registry.port names another)`,
      ),
    ])
    const other = project.start(here(), 'registry', 'tunnel', '-H', 's2')
    await other.says(`s2: 127.0.0.1:${port}`)
    const beside = await deploy('--version', 'two', '-H', 's2')
    other.kill('SIGINT')
    await other.result
    expect([beside.code, tunnelTo('s2', beside.stderr)]).toEqual([
      0,
      expect.stringContaining(`: port ${port} there leads to another registry (`),
    ])
  })

  test('come as a stream where no port is allowed, and through one that is', async () => {
    const [s1, s2] = servers()
    await Promise.all([sshd(s1, 'PermitListen 127.0.0.1:1'), sshd(s2, `PermitListen 127.0.0.1:${port}`)])
    const stop = await listenThere(s2, port)
    const refused = await deploy('--version', 'two')
    await stop()
    expect([refused.code, tunnelTo('s1', refused.stderr), tunnelTo('s2', refused.stderr)]).toEqual([
      0,
      expect.stringContaining(
        `: its sshd lets no port be forwarded (see that its sshd_config has AllowTcpForwarding yes (or remote) for this user, and no PermitListen, or PermitListen 127.0.0.1:${port})`,
      ),
      expect.stringContaining(`: port ${port} is in use there, and its sshd lets no other be forwarded (`),
    ])
    const allowed = await deploy('--version', 'two', '-H', 's2')
    expect([allowed.code, tunnelTo('s2', allowed.stderr)]).toEqual([0, expect.stringMatching(/the registry here$/)])
    await Promise.all([sshd(s1, '#'), sshd(s2, '#')])
  })

  test('come through another port where the usual one is for root alone', async () => {
    const [s1] = servers()
    await must(
      s1,
      'useradd -m -s /bin/sh -G docker dora && usermod -p "*" dora && cp -r /root/.ssh /home/dora && chown -R dora: /home/dora/.ssh && chgrp docker /var/run/docker.sock',
    )
    const privileged = 987
    await project.write({
      '.jiji/deploy.yml': yaml(privileged).replace('ssh: {', 'ssh: {user: dora, '),
    })
    const { code, stderr } = await deploy('--version', 'two', '-H', 's1')
    expect([code, tunnelTo('s1', stderr)]).toEqual([
      0,
      expect.stringContaining(
        `: port ${privileged} is for root alone there, as all below 1024 are (builder.registry.port`,
      ),
    ])
  })
})
