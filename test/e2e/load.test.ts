import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { converse, download, streamingApp } from './streams.ts'
import { type Seen, startWrk } from './wrk.ts'

const host = 'app.example.com'

/** More of them, for a longer look: DEPLOYS=10. */
const deploys = Number(process.env.DEPLOYS ?? 1)

describeOnRig('under load from wrk, on a Docker and a Podman server', () => {
  let rig: Rig
  let projects: Project[] = []
  let load: Awaited<ReturnType<typeof startWrk>>[] = []
  const targets = () => rig.servers.map(({ address }) => ({ address, host }))
  const onBoth = async (...words: string[]) => {
    const results = await Promise.all(projects.map(project => project.jiji(...words)))
    for (const { code, stderr } of results) expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
    return results.map(({ stderr }) => stderr)
  }
  const write = (version: string) => Promise.all(projects.map(project => project.write(streamingApp(version))))
  const deploy = async (version: string) => {
    await write(version)
    return onBoth('deploy', '--version', version)
  }
  const versions = () => Promise.all(targets().map(async target => (await ask(target)).body))
  const drainFor = (time: string) =>
    Promise.all(
      rig.servers.map(({ name }, index) =>
        projects[index]?.write({
          '.jiji/deploy.yml': `project: shop-${name}
builder: {registry: {type: local}}
${serversOf(rig, [name])}
services:
  web:
    build: {context: .}
    hosts: [${name}]
    proxy: {app_port: 3000, hosts: [${host}], response_timeout: 10s, max_request_body: 1k}
deploy: {drain_timeout: ${time}}
`,
        }),
      ),
    )

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'load', images: ['caddy:2'] })
    projects = await Promise.all(rig.servers.map(() => createProject({})))
    await drainFor('40s')
    await deploy('v1')
    load = await Promise.all(targets().map(startWrk))
  })
  afterAll(async () => {
    await rig?.stop()
    await Promise.all(projects.map(project => project.remove()))
  })

  test('a download and a WebSocket stay with the old container until they end, and new requests do not', async () => {
    await write('v2')
    const conversations = await Promise.all(targets().map(converse))
    const running = projects.map(project => project.start({}, 'deploy', '--version', 'v2'))
    const downloads = targets().map(async (target, index) => {
      await running[index]?.says('pulled web')
      return download(target)
    })
    const switched = targets().map(async (target, index) => {
      await running[index]?.says('switched')
      return (await ask(target)).body
    })
    expect(await Promise.all(switched)).toEqual(['v2', 'v2'])
    expect(await Promise.all(downloads)).toEqual([['v1'], ['v1']])
    expect(await Promise.all(conversations.map(({ close }) => close()))).toEqual([['v1'], ['v1']])
    for (const { code, stderr } of await Promise.all(running.map(({ result }) => result)))
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('still running')])
  })

  test('a WebSocket that nobody closes ends with the time to drain', async () => {
    await drainFor('3s')
    const conversations = await Promise.all(targets().map(converse))
    for (const stderr of await deploy('v3'))
      expect(stderr).toContain('requests were still running when the time to drain was over')
    const times = await Promise.all(conversations.map(({ ended }) => ended))
    for (const time of times) expect(time).toBeGreaterThan(3000)
  })

  test('no request is lost and none has a wrong answer, over all deploys and a rollback', async () => {
    for (let version = 4; version < 3 + deploys; version++) await deploy(`v${version}`)
    await onBoth('rollback')
    const before = deploys > 1 ? `v${1 + deploys}` : 'v2'
    expect(await versions()).toEqual([before, before])
    const seen: Seen[] = (await Promise.all(load.map(({ stop }) => stop()))).flat()
    if (deploys > 1) console.log(seen)
    for (const { requests, ...rest } of seen) {
      expect(rest).toMatchObject({ lost: 0, wrong: 0, versions: expect.arrayContaining(['v1', 'v2', 'v3']) })
      expect(requests).toBeGreaterThan(500)
    }
  }, 600_000)
})
