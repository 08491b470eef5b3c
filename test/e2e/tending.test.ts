import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'

describeOnRig('what stands on a Docker and a Podman server', () => {
  let rig: Rig
  let project: Project
  const configure = (proxy: string) =>
    project.write({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
proxy: ${proxy}
deploy: {settle: 1s, stop_timeout: 1s, retain: 3}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    proxy: {app_port: 3000, hosts: [${host}]}
  worker:
    build: {context: .}
    hosts: [s1, s2]
    volumes: ["data:/data"]
    directories: ["kept:/kept"]
`,
    })
  const load = () => startLoad(rig.servers.map(({ address }) => ({ address, host })))
  const onAll = (command: (engine: string) => string) =>
    Promise.all(rig.servers.map(server => must(server, command(server.engine))))
  const containers = () => onAll(engine => `${engine} ps -a --format '{{.Names}}' | sort | tr '\\n' ' '`)
  const rules = () => onAll(() => `iptables-save | grep -cE 'jiji-(detour|hold)' || :`)

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'tend', images: ['caddy:2'] })
    project = await createProject(appFiles('one'))
    await configure('{}')
    expect((await project.jiji('deploy', '--version', 'v1')).stderr).not.toContain('error:')
    await onAll(engine => `${engine} tag caddy:2 caddy:next`)
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('a proxy is upgraded without a lost request, one that takes long included', async () => {
    await configure('{image: "caddy:next"}')
    const refused = await project.jiji('deploy')
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('jiji proxy upgrade')])
    const running = load()
    const slow = rig.servers.map(({ address }) => ask({ address, host, path: '/slow/4000' }))
    const here = onAll(
      () =>
        `for i in $(seq 60); do curl -s -m 9 -o /dev/null -H 'Host: ${host}' http://127.0.0.1/ || echo lost $?; sleep 0.1; done`,
    )
    const { code, stdout, stderr } = await project.jiji('proxy', 'upgrade')
    const { answers, lost, longest } = await running.stop()
    process.stdout.write(`upgrade: ${answers} answers, the longest took ${Math.round(longest)} ms\n${stderr}\n`)
    expect([code, stdout, lost]).toEqual([0, 'the proxies on s1, s2 are new', []])
    expect((await Promise.all(slow)).map(({ body }) => body)).toEqual(['one', 'one'])
    expect(await here).toEqual(['', ''])
    expect(answers).toBeGreaterThan(100)
    expect(longest).toBeLessThan(1500)
    expect(await rules()).toEqual(['0', '0'])
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy shop-web-\S+ shop-worker-\S+ ?$/)
    expect(await onAll(engine => `${engine} inspect --format '{{.Config.Image}}' jiji-proxy`)).toEqual([
      expect.stringContaining('caddy:next'),
      expect.stringContaining('caddy:next'),
    ])
    expect((await project.jiji('proxy', 'upgrade')).stdout).toBe('all proxies run as they should')
  })

  test('services that are removed are gone with their routes, and their volumes only when that is asked for', async () => {
    expect((await project.jiji('deploy', '--version', 'v2')).code).toBe(0)
    const unmeant = await project.jiji('service', 'remove', 'worker')
    expect([unmeant.code, unmeant.stderr]).toEqual([2, expect.stringContaining('add --yes')])
    const volumes = () => onAll(engine => `${engine} volume ls -q | grep shop || :`)
    const { stdout: shown } = await project.jiji('service', 'remove', 'worker', '-H', 's1', '--dry-run')
    expect(shown).toContain('keep the volumes shop-worker-data')
    const running = load()
    expect((await project.jiji('service', 'remove', 'worker', '--yes')).stdout).toBe('removed worker from s1, s2')
    expect((await running.stop()).lost).toEqual([])
    expect(await volumes()).toEqual(['shop-worker-data', 'shop-worker-data'])
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy (shop-web-\S+ ?){2}$/)
    expect((await project.jiji('rollback')).code).toBe(0)

    const all = await project.jiji('service', 'remove', 'web', 'worker', '--volumes', '--yes')
    expect([all.code, all.stderr]).toEqual([0, expect.not.stringContaining('error:')])
    expect(await volumes()).toEqual(['', ''])
    expect(await containers()).toEqual(['jiji-proxy', 'jiji-proxy'])
    expect(await onAll(engine => `${engine} images -q --filter label=jiji.project=shop`)).toEqual(['', ''])
    const { stdout } = await project.jiji('audit', '--action', 'service', '-n', '1', '-o', 'json')
    expect(JSON.parse(stdout).entries).toMatchObject([
      { action: 'service remove', services: ['web', 'worker'], result: 'done' },
      { action: 'service remove', services: ['web', 'worker'], result: 'done' },
    ])
  })

  test('a proxy is removed when nobody has routes any more', async () => {
    expect((await project.jiji('deploy', '--version', 'v3', '-H', 's1')).code).toBe(0)
    const { code, stderr } = await project.jiji('proxy', 'remove', '--yes')
    expect([code, stderr]).toEqual([1, expect.stringContaining(`s1: the proxy has routes of shop (${host})`)])
    expect((await project.jiji('proxy', 'remove', '--yes', '-H', 's2')).code).toBe(0)
    expect((await containers())[1]).toBe('')
    expect((await project.jiji('proxy', 'remove', '--force', '--yes', '-H', 's1')).code).toBe(0)
    expect((await project.jiji('deploy', '--version', 'v4')).code).toBe(0)
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe('one')
  })

  test('what exceeds the releases that are retained is pruned', async () => {
    expect((await project.jiji('deploy', '--version', 'v5')).code).toBe(0)
    const config = await readFile(join(project.folder, '.jiji/deploy.yml'), 'utf8')
    await project.write({ '.jiji/deploy.yml': config.replace('retain: 3', 'retain: 1') })
    const { code, stdout } = await project.jiji('service', 'prune', '-o', 'json')
    const { servers } = JSON.parse(stdout)
    expect([code, servers.map(({ containers }: { containers: string[] }) => containers.length)]).toEqual([0, [4, 2]])
    expect(servers[0].freed).toBeGreaterThan(0)
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy shop-web-\S+ shop-worker-\S+ ?$/)
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe('one')
  })

  test('an upgrade that fails puts the proxy of before back, without a lost request', async () => {
    await configure('{image: "caddy:next", http_port: 22}')
    const running = load()
    const { code, stderr } = await project.jiji('proxy', 'upgrade')
    const { lost } = await running.stop()
    process.stdout.write(stderr)
    expect([code, stderr, lost]).toEqual([1, expect.stringContaining('is port 22 or 443 taken'), []])
    expect(await rules()).toEqual(['0', '0'])
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy shop-web-\S+ shop-worker-\S+ ?$/)
    await configure('{image: "caddy:next"}')
  })
})
