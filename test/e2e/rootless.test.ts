import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { describeOnRootlessRig } from './rig/describe.ts'
import { startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'
const port = 8080
const state = '/home/ann/.local/state/jiji'

describeOnRootlessRig('a server with a rootless Podman', () => {
  let rig: Rig
  let project: Project
  const server = () => rig.servers[0] as Rig['servers'][number]
  const asUser = (command: string) => must(server(), `su - ann -c "${command}"`)
  const target = () => ({ address: server().address, port, host })
  const answer = () => ask(target()).then(({ body }) => body)
  const configure = ({ httpPort = port, rest = '' } = {}) =>
    project.write({
      'key.txt': 'secret of the shop',
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
proxy: {http_port: ${httpPort}, https_port: 8443}
services:
  web:
    build: {context: .}
    hosts: [s1]
    proxy: {app_port: 3000, hosts: [${host}]}
    files: [{local: key.txt, remote: /key, owner: "1000", mode: "400"}]
    directories: [{local: kept, remote: /kept, owner: "1000", mode: "700"}]
${rest}
`,
    })

  beforeAll(async () => {
    rig = await startRig({ servers: ['podman'], name: 'rootless', images: ['caddy:2'], user: 'ann' })
    project = await createProject(appFiles('one'))
    await configure()
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('is told what its Podman may not do, before anything is changed', async () => {
    await configure({
      httpPort: 80,
      rest: '  db: {image: db, hosts: [s1], ports: ["81:81", "9000:81"], memory: 64m, stop_first: true}',
    })
    const { code, stderr } = await project.jiji('deploy', '--dry-run')
    await configure()
    expect([code, stderr]).toEqual([1, expect.any(String)])
    expect(stderr).toContain(
      'Podman runs without root there, as ann: the proxy may not listen on 80, since ports below',
    )
    expect(stderr).toContain('db may not listen on 81, since')
    expect(stderr).toContain('sudo sysctl net.ipv4.ip_unprivileged_port_start=80')
    const isOld = !existsSync('/sys/fs/cgroup/cgroup.controllers')
    if (isOld)
      expect(stderr).toContain('memory of db would be left out: resource limits are not supported on cgroups v1')
    expect((await server().exec(`ls -d ${state}`)).code).not.toBe(0)
  })

  test('is not deployed to where its containers would end with the session', async () => {
    const loginctl = '/usr/local/bin/loginctl'
    await must(server(), 'mkdir -p /run/systemd/system')
    await must(server(), `cat >${loginctl}; chmod 755 ${loginctl}`, {
      input: '#!/bin/sh\necho Access denied >&2; exit 1\n',
    })
    const { code, stderr } = await project.jiji('deploy', '--version', 'v1')
    await must(server(), `rm -r /run/systemd/system ${loginctl}`)
    expect([code, stderr]).toEqual([1, expect.stringContaining('may not change that itself: Access denied')])
    expect(stderr).toContain('sudo loginctl enable-linger ann')
    expect(await asUser('podman ps -aq')).toBe('')
  })

  test('is deployed to, in folders of the user alone', async () => {
    const { code, stderr } = await project.jiji('deploy', '--version', 'v1')
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    expect(await answer()).toBe('one')
    expect(await must(server(), `stat -c '%a %U' ${state} ${state}/shop ${state}/shop/current`)).toBe(
      '700 ann\n700 ann\n600 ann',
    )
    expect((await server().exec('ls -d /var/lib/jiji; podman ps -q')).stdout).toBe('')
    const owners =
      "for (const f of ['/key', '/kept']) { const s = require('fs').statSync(f); console.log(s.uid, (s.mode & 0o777).toString(8)) }"
    const { stdout } = await project.jiji('exec', 'web', '--', 'node', '-e', owners)
    expect(stdout).toBe('1000 400\n1000 700')
  })

  test('keeps the address of its bridge, whatever comes and goes on it', async () => {
    const inNetwork = (command: string) => asUser(`podman unshare --rootless-netns ip ${command}`)
    const show = () => inNetwork('-br link show type bridge')
    const [bridge = '', , before] = (await show()).split(/\s+/)
    await inNetwork(`link add low address 02:00:00:00:00:00 type veth peer name high`)
    await inNetwork(`link set low master ${bridge}`)
    expect((await show()).split(/\s+/)[2]).toBe(before)
    await inNetwork('link del low')
  })

  test('loses no request when version 2 takes over, nor when version 1 comes back', async () => {
    await project.write(appFiles('two'))
    const load = startLoad([target()])
    const deploy = await project.jiji('deploy', '--version', 'v2')
    const isNew = await answer()
    const rollback = await project.jiji('rollback')
    const { answers, lost, bodies } = await load.stop()
    expect([deploy.code, isNew, rollback.code]).toEqual([0, 'two', 0])
    expect(lost).toEqual([])
    expect(answers).toBeGreaterThan(100)
    expect(bodies).toEqual(new Set(['one', 'two']))
    const { stdout } = await project.jiji('status', '-o', 'json')
    const services: Record<string, string>[] = JSON.parse(stdout).services
    expect(services.map(({ version, health }) => `${version} ${health}`)).toEqual(['v1 healthy'])
  })

  test('keeps a login where the user has his own', async () => {
    const registry = await startRegistry({ address: rig.controller, users: { bot: 'pa$$' }, trustedBy: rig.servers })
    try {
      const login = ['registry', 'login', registry.host, '--username', 'bot', '--password-stdin', '-L']
      expect(await project.jijiFed('pa$$', {}, ...login)).toMatchObject({ code: 0 })
      const file = '/home/ann/.config/containers/auth.json'
      expect(await must(server(), `stat -c '%a %U' ${file} && grep -c ${registry.host} ${file}`)).toBe('600 ann\n1')
    } finally {
      await registry.stop()
    }
  })

  test('serves again after a power cut', async () => {
    await server().poweroff()
    await server().boot()
    await asUser(`sh ${state}/start`) // as the user's unit does where there is a systemd
    await expect.poll(() => answer().catch(String)).toBe('one')
  })

  test('can be backed up and left, with what containers have given to users of theirs', async () => {
    const file = join(project.folder, 's1.tgz')
    expect(await project.jiji('server', 'backup', '--to', file, '-H', 's1')).toMatchObject({ code: 0 })
    const { stdout } = await execa('tar', ['--numeric-owner', '-tvzf', file])
    expect(stdout).toMatch(/^-r-------- 1000\/0 .*\/files\/shop-web-\S+\/0$/m)
    const { code, stderr } = await project.jiji('server', 'teardown', '--yes', '--confirm', 'shop', '--volumes')
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    expect(await asUser('podman ps -aq; podman volume ls -q; podman network ls -q -f name=jiji')).toBe('')
    expect((await server().exec(`ls -d ${state}`)).code).not.toBe(0)
  })
})
