import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'

describeOnRig('servers whose sshd forbids tunnels', () => {
  let rig: Rig
  let project: Project

  beforeAll(async () => {
    rig = await startRig({
      servers: ['docker', 'podman'],
      name: 'notunnel',
      images: ['caddy:2'],
      sshd: ['AllowTcpForwarding no'],
    })
    project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
deploy: {settle: 500ms, stop_timeout: 1s}
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

  test.each(['one', 'two'])('get version %s as a stream, and the output says so', async version => {
    await project.write(appFiles(version))
    const { code, stderr } = await project.jiji('deploy', '--version', version)
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/no tunnel, .*: its sshd forbids tunnels \(.* AllowTcpForwarding yes/),
    ])
    expect(stderr.match(/all of it, through the connection/g)).toHaveLength(4)
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe(version)
  })

  test('what is there already is not sent again', async () => {
    const { code, stderr } = await project.jiji('deploy', '--version', 'two')
    expect(code).toBe(0)
    expect(stderr).not.toContain('all of it, through the connection')
  })

  test('a server that breaks off says so, and the version before serves on', async () => {
    await project.write(appFiles('three'))
    const [docker, podman] = rig.servers
    if (!docker || !podman) throw new Error('there are two servers')
    // Its engine dies in the middle of what it reads.
    await must(
      podman,
      `mv /usr/bin/podman /usr/bin/podman.real
printf '#!/bin/sh\\ncase $1 in load) head -c 1000000 >/dev/null; echo "no space left on device" >&2; exit 125 ;; esac\\nexec /usr/bin/podman.real "$@"\\n' >/usr/bin/podman
chmod 755 /usr/bin/podman`,
    )
    const { code, stderr } = await project.jiji('deploy', '--version', 'three')
    await must(podman, 'mv /usr/bin/podman.real /usr/bin/podman')
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/s2: .*:three could not be sent: no space left on device/),
    ])
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe('two')
    expect((await project.jiji('deploy', '--version', 'three')).code).toBe(0)
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe('three')
  })
})
