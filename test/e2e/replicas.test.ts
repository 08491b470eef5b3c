import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'

describeOnRig('a service with replicas, on a Docker and a Podman server', () => {
  let rig: Rig
  let project: Project
  const configOf = (rig: Rig) => `project: shop
builder: {registry: {type: local}}
deploy: {settle: 500ms, stop_timeout: 1s}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    replicas: 2
    environment: {clear: {GREETING: "hello"}}
    proxy: {app_port: 3000, hosts: [${host}], healthcheck: {deploy_timeout: 8s}}
  worker:
    build: {context: worker}
    hosts: [s1]
    replicas: 2
    command: [sleep, "1000"]
`
  /** Which containers answer on each server. */
  const answering = () =>
    Promise.all(
      rig.servers.map(async ({ address }) => {
        const bodies = await Promise.all(
          Array.from({ length: 60 }, async () => JSON.parse((await ask({ address, host, path: '/env' })).body)),
        )
        return new Set(bodies.map(({ HOSTNAME }) => HOSTNAME))
      }),
    )
  const counts = async () => (await answering()).map(({ size }) => size)
  const running = async (service: string) => {
    const lists = rig.servers.map(async server => {
      const filter = `--filter label=jiji.service=${service}`
      const { stdout } = await server.exec(`${server.engine} ps ${filter} --format '{{.Names}}'`)
      return stdout.split('\n').filter(name => name !== '').length
    })
    return Promise.all(lists)
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'replicas', images: ['caddy:2'] })
    project = await createProject({
      ...appFiles('one'),
      'worker/Dockerfile': 'FROM busybox:1\n',
      '.jiji/deploy.yml': configOf(rig),
    })
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('is answered by all of them', async () => {
    const { code, stderr } = await project.jiji('deploy', '--version', 'v1')
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(await counts()).toEqual([2, 2])
    expect(await running('worker')).toEqual([2, 0])
  })

  test('goes on answering when one of them is killed', async () => {
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host })))
    for (const server of rig.servers) {
      const second = `${server.engine} ps -q --filter label=jiji.service=web --filter label=jiji.replica=2`
      await must(server, `${server.engine} kill "$(${second})"`)
    }
    await sleep(1500)
    // A request that the killed one was just answering is lost with it.
    expect((await load.stop()).lost.length).toBeLessThanOrEqual(rig.servers.length * 2)
  })

  test('is restarted without a lost request, and all are there again', async () => {
    const before = await answering()
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host })))
    const { code, stderr, stdout } = await project.jiji('service', 'restart', 'web')
    const { lost } = await load.stop()
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    expect(stdout).toContain('restarted services of shop')
    expect(lost).toEqual([])
    const after = await answering()
    expect(after.map(({ size }) => size)).toEqual([2, 2])
    expect(after.flatMap((ids, index) => [...ids].filter(id => before[index]?.has(id)))).toEqual([])
    expect(await running('worker')).toEqual([2, 0])
  })

  test('takes over from all of the version before', async () => {
    await project.write(appFiles('two'))
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host })))
    expect((await project.jiji('deploy', '--version', 'v2')).code).toBe(0)
    const { lost, bodies } = await load.stop()
    expect(lost).toEqual([])
    expect(bodies).toEqual(new Set(['one', 'two']))
    expect(await counts()).toEqual([2, 2])
  })

  test('is scaled, also when somebody has taken its image away: it is pulled again, by its digest', async () => {
    for (const server of rig.servers) {
      const untag = server.engine === 'docker' ? 'docker rmi -f' : 'podman untag'
      await must(server, `${untag} localhost:9270/shop-web:v2`)
    }
    const { code, stderr } = await project.jiji('service', 'scale', 'web=3', 'worker=1')
    expect([code, stderr]).toEqual([0, expect.stringContaining('web has 3 replicas until the next deploy')])
    expect(stderr).toContain('the registry here')
    expect(await counts()).toEqual([3, 3])
    expect(await running('worker')).toEqual([1, 0])
  })

  test('one that is ill puts all of them back', async () => {
    await project.write(appFiles('three', { isHealthy: false }))
    const { code, stderr } = await project.jiji('deploy', '--version', 'v3')
    expect([code, stderr]).toEqual([6, expect.stringContaining('the database is missing')])
    expect(await counts()).toEqual([3, 3])
    expect(await running('web')).toEqual([3, 3])
  })

  test('a rollback goes to the version before, not to what was restarted or scaled', async () => {
    expect((await project.jiji('rollback')).code).toBe(0)
    expect(await counts()).toEqual([2, 2])
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe('one')
  })
})
