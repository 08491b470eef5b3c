import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project } from './harness.ts'
import { describeOnAptRig } from './rig/describe.ts'
import { offerPackages, takePackages } from './rig/packages.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

describeOnAptRig('servers without an engine, whose distribution has them', () => {
  let rig: Rig
  let project: Project
  const onBoth = (command: (engine: string) => string) =>
    Promise.all(rig.servers.map(server => must(server, command(server.engine))))

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'init', images: ['caddy:2'] })
    const [s1, s2] = rig.servers
    if (!s1 || !s2) throw new Error('there are two servers')
    // Docker's script asks for more than a machine in a container may have; then it is changed by the package and by hand.
    await must(
      s1,
      `rm -f /usr/local/bin/docker; kill $(cat /run/docker.pid); while [ -e /run/docker.pid ]; do sleep 0.05; done
echo '{"cgroup-parent": "/init-s1"}' >/etc/docker/daemon.json
sed -i 's/^\\(\\s*\\)ulimit .*/\\1:/' /etc/init.d/docker`,
    )
    await Promise.all([takePackages(s1, ['docker.io']), takePackages(s2, ['podman', 'netavark', 'aardvark-dns'])])
    await must(s1, 'echo "# changed by hand" >>/etc/init.d/docker')
    await onBoth(engine => `! command -v ${engine}`)
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
ssh: {config: ${rig.sshConfigFile}}
servers: {s1: {host: s1}, s2: {host: s2, engine: podman}, gone: {host: s1, port: 9}}
services: {web: {image: "caddy:2", hosts: [s1, s2], proxy: {app_port: 80, hosts: [app.example.com]}}}
`,
    })
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('are named with what sets them up, and are changed only when that is meant', async () => {
    const rolled = await project.jiji('rollback', '-H', 's1')
    expect([rolled.code, rolled.stderr]).toEqual([1, expect.stringContaining('jiji server init -H s1 installs it')])
    const unmeant = await project.jiji('server', 'init', '-H', 's*')
    expect([unmeant.code, unmeant.stderr]).toEqual([2, expect.stringMatching(/s1, s2 would be set up[\s\S]+--yes/)])
    await onBoth(engine => `! command -v ${engine}; ! ls /var/lib/jiji 2>/dev/null`)
  })

  test('are left as they are where there are no packages, in the words of apt', async () => {
    await Promise.all(rig.servers.map(server => offerPackages(server, false)))
    const { code, stdout, stderr } = await project.jiji('server', 'init', '--yes', '-H', 's2')
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/ \| .*\n[\s\S]*error: s2: podman could not be installed: E: .*(podman|netavark|aardvark)/),
    ])
  })

  test('get engine, network and proxy, in few words, and one that is down keeps none from it', async () => {
    await Promise.all(rig.servers.map(server => offerPackages(server, true)))
    const before = rig.servers.map(server => server.executions())
    const { code, stdout, stderr } = await project.jiji('server', 'init', '--yes')
    expect([code, stderr]).toEqual([7, expect.stringMatching(/cannot reach gone[\s\S]+1 of 3 servers failed/)])
    expect(stdout).toMatch(/^s1 is ready: installed docker.io .*started docker, made the network, started the proxy/)
    expect(stdout).toMatch(/^s2 is ready: installed podman .*, made the network, started the proxy/m)
    // What is there; the lock; the work; the audit.
    expect(rig.servers.map((server, i) => server.executions() - (before[i] ?? 0))).toEqual([4, 4])
    expect(
      await onBoth(
        engine => `${engine} ps --format '{{.Names}}'; ${engine} network ls --format '{{.Name}}' | grep -x jiji`,
      ),
    ).toEqual(['jiji-proxy\njiji', 'jiji-proxy\njiji'])
    for (const version of await onBoth(engine => `${engine} exec jiji-proxy caddy version`))
      expect(version).toMatch(/\d/)
    const [s1] = rig.servers
    expect(s1 && (await must(s1, 'grep "changed by hand" /etc/init.d/docker; dpkg --audit'))).toBe('# changed by hand')
  })

  test('are ready already when it is done again, and it is on record', async () => {
    const { code, stdout } = await project.jiji('server', 'init', '-H', 's*', '-o', 'json')
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      {
        servers: [{ steps: [] }, { steps: [] }],
        results: [
          { server: 's1', result: 'already' },
          { server: 's2', result: 'already' },
        ],
      },
    ])
    const audit = await project.jiji('audit', '-H', 's2', '-o', 'json')
    expect(JSON.parse(audit.stdout).entries).toMatchObject([
      { action: 'server init', result: 'failed', reason: expect.stringContaining('podman could not be installed') },
      { action: 'server init', result: 'done' },
    ])
    expect((await project.jiji('status', '-H', 's*')).stdout).toMatch(/never deployed here/)
  })
})
