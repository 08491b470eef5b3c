import { readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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
  const volumes = () => onAll(engine => `${engine} volume ls -q | grep shop || :`)
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
    const { code, stdout } = await project.jiji('proxy', 'upgrade')
    const { answers, lost, longest } = await running.stop()
    expect([code, stdout, lost]).toEqual([0, 'the proxies on s1, s2 are new', []])
    expect((await Promise.all(slow)).map(({ body }) => body)).toEqual(['one', 'one'])
    expect(await here).toEqual(['', ''])
    expect(answers).toBeGreaterThan(100)
    expect(longest).toBeLessThan(5000)
    expect(await rules()).toEqual(['0', '0'])
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy shop-web-\S+ shop-worker-\S+ ?$/)
    expect(await onAll(engine => `${engine} inspect --format '{{.Config.Image}}' jiji-proxy`)).toEqual([
      expect.stringContaining('caddy:next'),
      expect.stringContaining('caddy:next'),
    ])
    expect((await project.jiji('proxy', 'upgrade', '-H', 's1')).stdout).toBe('all proxies run as they should')
  })

  test('an upgrade that fails puts the proxy of before back, without a lost request', async () => {
    await configure('{image: "caddy:next", http_port: 22}')
    const running = load()
    const { code, stderr } = await project.jiji('proxy', 'upgrade')
    const { lost } = await running.stop()
    await configure('{image: "caddy:next"}')
    expect([code, stderr, lost]).toEqual([1, expect.stringContaining('is port 22 or 443 taken'), []])
    expect(await rules()).toEqual(['0', '0'])
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy shop-web-\S+ shop-worker-\S+ ?$/)
  })

  test('what exceeds the releases that are retained is pruned, and the room is said', async () => {
    expect((await project.jiji('deploy', '--version', 'v2')).code).toBe(0)
    const config = await readFile(join(project.folder, '.jiji/deploy.yml'), 'utf8')
    await project.write({ '.jiji/deploy.yml': config.replace('retain: 3', 'retain: 1') })
    const { code, stdout } = await project.jiji('service', 'prune', '-o', 'json')
    const { servers } = JSON.parse(stdout)
    expect([code, servers.map(({ containers }: { containers: string[] }) => containers.length)]).toEqual([0, [2, 2]])
    expect(servers[0].freed).toBeGreaterThan(0)
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy shop-web-\S+ shop-worker-\S+ ?$/)
  })

  test('services that are removed are gone with their routes, and their volumes only when that is asked for', async () => {
    const unmeant = await project.jiji('service', 'remove', 'worker')
    expect([unmeant.code, unmeant.stderr]).toEqual([2, expect.stringContaining('add --yes')])
    const running = load()
    expect((await project.jiji('service', 'remove', 'worker', '--yes')).stdout).toBe('removed worker from s1, s2')
    expect((await running.stop()).lost).toEqual([])
    expect(await volumes()).toEqual(['shop-worker-data', 'shop-worker-data'])
    for (const names of await containers()) expect(names).toMatch(/^jiji-proxy shop-web-\S+ ?$/)

    const { code, stderr } = await project.jiji('proxy', 'remove', '--yes')
    expect([code, stderr]).toEqual([1, expect.stringContaining(`s1: the proxy has routes of shop (${host})`)])
    expect((await project.jiji('service', 'remove', 'w*', '--volumes', '--yes', '-H', 's2')).code).toBe(0)
    expect(await volumes()).toEqual(['shop-worker-data', ''])
    expect((await project.jiji('proxy', 'remove', '--yes', '-H', 's2')).code).toBe(0)
    expect((await containers())[1]).toBe('')
    expect(await onAll(engine => `${engine} images -q --filter label=jiji.project=shop | wc -l`)).toEqual(['1', '0'])
    const { stdout } = await project.jiji('audit', '--action', 'service', '-n', '1', '-H', 's2', '-o', 'json')
    expect(JSON.parse(stdout).entries).toMatchObject([{ action: 'service remove', services: ['web', 'worker'] }])
  })

  test('a fresh server takes over with a backup, and one that has the project is left alone', async () => {
    const certificate = '/data/caddy/certificates/authority/app/app.key'
    const [first, second] = rig.servers
    if (!first || !second) throw new Error('there are two servers')
    // For a user in a container: on the servers that number goes by another name, and the name has another number.
    const [own, given] = ['proof-own', 'proof-given'].map(name => `/var/lib/jiji/shop/${name}`)
    await must(first, `echo keeper:x:4242:4242::/: >>/etc/passwd; touch ${own} ${given}; chown 4242:4242 ${given}`)
    await must(second, 'echo keeper:x:4343:4343::/: >>/etc/passwd; echo other:x:4242:4242::/: >>/etc/passwd')
    await must(first, `docker exec jiji-proxy sh -c 'mkdir -p ${dirname(certificate)}; echo key >${certificate}'`)
    const saved = await project.jiji('server', 'backup', '--to', 's1.tgz', '-H', 's1')
    expect([saved.code, saved.stderr]).toEqual([0, expect.not.stringContaining('error:')])
    expect(((await stat(join(project.folder, 's1.tgz'))).mode & 0o777).toString(8)).toBe('600')
    const { code, stderr } = await project.jiji('server', 'restore', 's1.tgz', '-H', 's1')
    expect([code, stderr]).toEqual([1, expect.stringContaining('s1 has shop already')])

    await writeFile(join(project.folder, 'cut.tgz'), (await readFile(join(project.folder, 's1.tgz'))).subarray(0, 300))
    const cut = await project.jiji('server', 'restore', 'cut.tgz', '-H', 's2')
    expect([cut.code, cut.stderr]).toEqual([1, expect.stringContaining('not all of one')])

    const restored = await project.jiji('server', 'restore', 's1.tgz', '-H', 's2')
    expect(restored.stdout).toMatch(/^restored 1 releases of shop on s2; the current one is \d{8}-\d{6}$/)
    expect(await must(second, `stat -c %u:%g ${own} ${given} && rm ${own} ${given}`)).toBe('0:0\n4242:4242')
    const audits = await Promise.all(
      ['s1', 's2'].map(name => project.jiji('audit', '-H', name, '--action', 'deploy', '-o', 'json')),
    )
    const [one, two] = audits.map(({ stdout }) => JSON.parse(stdout).entries.map(({ to }: { to: string }) => to))
    expect(two).toEqual(one)
    expect(await must(second, `podman exec jiji-proxy cat ${certificate}`)).toBe('key')
    expect((await project.jiji('deploy', '--version', 'v3', '-H', 's2')).code).toBe(0)
    expect((await ask({ address: second.address, host })).body).toBe('one')
  })

  test('a project that is torn down leaves nothing of its own, and all of another one', async () => {
    const other = await createProject({
      ...appFiles('other'),
      '.jiji/deploy.yml': `project: other
builder: {registry: {type: local}}
${serversOf(rig)}
proxy: {image: "caddy:next"}
services: {web: {build: {context: .}, hosts: [s1], proxy: {app_port: 3000, hosts: [other.example.com]}}}
`,
    })
    expect((await other.jiji('deploy')).stderr).not.toContain('error:')
    const unmeant = await project.jiji('server', 'teardown', '--yes')
    expect([unmeant.code, unmeant.stderr]).toEqual([2, expect.stringContaining('--confirm shop')])
    const { stdout: shown } = await project.jiji('server', 'teardown', '--dry-run')
    expect(shown).toMatch(/keep the volumes shop-worker-data[\s\S]+keep the proxy and the network: other is there/)
    const { code, stderr } = await project.jiji('server', 'teardown', '--yes', '--confirm', 'shop')
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error:')])
    expect(await containers()).toEqual([expect.stringMatching(/^jiji-proxy other-web-\S+$/), ''])
    expect(await onAll(engine => `${engine} images -q --filter label=jiji.project=shop`)).toEqual(['', ''])
    const left = (engine: string) =>
      `ls -A /var/lib/jiji/shop 2>/dev/null; ${engine} network ls --format '{{.Name}}' | grep jiji || :`
    expect(await onAll(left)).toEqual(['directories\njiji', 'directories'])
    expect(await volumes()).toEqual(['shop-worker-data', 'shop-worker-data'])
    expect((await ask({ address: rig.servers[0]?.address ?? '', host: 'other.example.com' })).body).toBe('other')
    await other.remove()
  })
})
