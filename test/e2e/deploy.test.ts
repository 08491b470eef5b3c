import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'

const host = 'app.example.com'

describeOnRig('a deploy to two Docker servers and one Podman server, without a registry', () => {
  let rig: Rig
  let project: Project
  const answers = () => Promise.all(rig.servers.map(({ address }) => ask({ address, host }).then(({ body }) => body)))

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'docker', 'podman'], name: 'deploy', images: ['caddy:2'] })
    project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2, s3]
    proxy: {app_port: 3000, hosts: [${host}], healthcheck: {deploy_timeout: 8s}}
`,
    })
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('version 1 answers on all servers', async () => {
    const { code, stderr, stdout } = await project.jiji('deploy', '--version', 'v1')
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(stdout).toContain(`http://${host}`)
    expect(await answers()).toEqual(['one', 'one', 'one'])
  })

  test('version 2 takes over under load without a lost request, in at most 8 executions per server', async () => {
    await project.write(appFiles('two'))
    const before = rig.servers.map(server => server.executions())
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host })))
    const { code, stderr } = await project.jiji('deploy', '--version', 'v2')
    const { answers: count, lost, bodies } = await load.stop()
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(lost).toEqual([])
    expect(count).toBeGreaterThan(100)
    expect(bodies).toEqual(new Set(['one', 'two']))
    for (const [index, server] of rig.servers.entries()) {
      expect(server.executions() - (before[index] ?? 0)).toBeLessThanOrEqual(8)
    }
    expect(await answers()).toEqual(['two', 'two', 'two'])
    const missing = [...stderr.matchAll(/^(s\d) +pulled web: (\d+) of (\d+) parts were missing, .*B$/gm)]
    expect(missing.map(([, server]) => server).sort()).toEqual(['s1', 's2', 's3'])
    for (const [, , parts, all] of missing) expect(Number(parts)).toBeLessThan(Number(all))
  })

  test('an unhealthy version 3 is put back: version 2 never stops serving', async () => {
    await project.write(appFiles('three', { isHealthy: false }))
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host })))
    const { code, stderr } = await project.jiji('deploy', '--version', 'v3')
    const { lost, bodies } = await load.stop()
    expect(code).toBe(6)
    expect(stderr).toContain('/up answered 503')
    expect(stderr).toContain('the database is missing')
    expect(lost).toEqual([])
    expect(bodies).toEqual(new Set(['two']))
    for (const server of rig.servers) {
      const { stdout } = await server.exec(`${server.engine} ps -a --format '{{.Names}} {{.Image}}'`)
      expect(stdout).not.toContain('v3')
    }
  })

  test('a rollback goes to version 1', async () => {
    const { code, stderr } = await project.jiji('rollback')
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(await answers()).toEqual(['one', 'one', 'one'])
    const { stdout } = await project.jiji('status', '-o', 'json')
    const services: Record<string, string>[] = JSON.parse(stdout).services
    expect(services.map(({ version, health }) => `${version} ${health}`)).toEqual(Array(3).fill('v1 healthy'))
  })

  test('a port that changes reaches nobody before its container is healthy, and never when it is not', async () => {
    const config = await readFile(join(project.folder, '.jiji/deploy.yml'), 'utf8')
    await project.write({
      ...appFiles('four', { isHealthy: false, port: 4000 }),
      '.jiji/deploy.yml': config.replace('app_port: 3000', 'app_port: 4000'),
    })
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host })))
    expect((await project.jiji('deploy', '--version', 'v4')).code).toBe(6)
    await project.write(appFiles('five', { port: 4000 }))
    const { code } = await project.jiji('deploy', '--version', 'v5')
    const { bodies, lost } = await load.stop()
    expect(code).toBe(0)
    expect(bodies).toEqual(new Set(['one', 'five']))
    // New routes mean a reload, and a reload closes idle connections: only such requests may be lost.
    expect(lost.filter(reason => !/socket hang up|ECONNRESET/.test(reason))).toEqual([])
    expect((await project.jiji('rollback')).code).toBe(0)
    expect(await answers()).toEqual(['one', 'one', 'one'])
  })

  test('the registry is out of reach on the servers when no deploy runs', async () => {
    for (const server of rig.servers) {
      expect((await server.exec('ss -Hltn "sport = :9270"')).stdout).toBe('')
    }
  })

  test('every change is on record', async () => {
    const { stdout } = await project.jiji('audit', '-o', 'json')
    const entries = JSON.parse(stdout).entries.filter(({ server }: { server: string }) => server === 's1')
    expect(entries.map(({ action, to, result }: Record<string, string>) => `${action} ${to} ${result}`)).toEqual([
      'deploy v1 done',
      'deploy v2 done',
      'deploy v3 rolled-back',
      'rollback v1 done',
      'deploy v4 rolled-back',
      'deploy v5 done',
      'rollback v1 done',
    ])
  })
})
