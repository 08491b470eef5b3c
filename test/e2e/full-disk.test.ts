import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { freePort } from './ports.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Engine, startEngine } from './rig/engine.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'

describeOnRig('servers whose disk is full', () => {
  let rig: Rig
  let engine: Engine
  let project: Project

  beforeAll(async () => {
    const [, , port] = await Promise.all([
      startRig({ servers: ['docker', 'podman'], name: 'full', images: ['caddy:2', 'node:20-slim'] }).then(started => {
        rig = started
      }),
      startEngine(['registry:2', 'node:20-slim']).then(started => {
        engine = started
      }),
      freePort(),
    ])
    project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local, port: ${port}}}
deploy: {stop_timeout: 1s}
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
    await engine?.stop()
    await project?.remove()
  })

  const deploy = (version: string, ...words: string[]) =>
    project.jijiWith({ DOCKER_HOST: engine.host }, 'deploy', '--version', version, ...words)
  const answers = () => Promise.all(rig.servers.map(async ({ address }) => (await ask({ address, host })).body))
  const leave = (megabytes: number | 'off') => Promise.all(rig.servers.map(server => server.room(megabytes)))
  const errorOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout.split('\n').at(-1) ?? '').error

  test('say so, serve on, and take the deploy when there is room again', async () => {
    expect((await deploy('one')).code).toBe(0)
    await project.write({
      ...appFiles('two'),
      Dockerfile: 'FROM node:20-slim\nCOPY app.mjs data /app/\nCMD ["node", "/app/app.mjs"]\n',
      data: randomBytes(60_000_000).toString('base64'),
    })
    await leave(70)
    for (const [server, folder] of [
      ['s1', '/var/lib/docker'],
      ['s2', '/var/lib/containers/storage'],
    ] as const) {
      const failed = await deploy('two', '-H', server, '-o', 'json')
      expect([failed.code, errorOf(failed)]).toEqual([
        1,
        {
          code: 'disk.full',
          message: expect.stringMatching(
            new RegExp(`^${server}: .*shop-web:two could not be pulled: .*; its disk has \\d+ MB left at ${folder}$`),
          ),
          hint: expect.stringContaining('image prune -a'),
          server,
        },
      ])
    }
    expect(await answers()).toEqual(['one', 'one'])
    await leave('off')
    expect((await deploy('two')).code).toBe(0)
    expect(await answers()).toEqual(['two', 'two'])
  })

  test('to the last byte say so too', async () => {
    await project.write(appFiles('three'))
    await leave(0)
    for (const server of ['s1', 's2']) {
      const failed = await deploy('three', '-H', server, '-o', 'json')
      expect([failed.code, errorOf(failed)]).toEqual([
        1,
        expect.objectContaining({
          code: 'disk.full',
          message: expect.stringMatching(/; its disk has 0 MB left at \//),
          server,
        }),
      ])
    }
    expect(await answers()).toEqual(['two', 'two'])
    await leave('off')
    expect((await deploy('three')).code).toBe(0)
    expect(await answers()).toEqual(['three', 'three'])
  })

  test('for records put a release back that serves everywhere, on record too', async () => {
    await project.write({ ...appFiles('four'), 'state/file': '' })
    const [, second] = rig.servers
    const folder = '/var/lib/jiji/shop/releases'
    const onRecord = () => Promise.all(rig.servers.map(one => must(one, `cat ${folder}/../current; ls ${folder}`)))
    const before = await onRecord()
    if (second) await must(second, `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`)
    const { code, stderr } = await deploy('four')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^web three +s1, s2$/m)])
    expect(stderr).toMatch(/error: s2: the release could not be recorded: .*Read-only file system/)
    expect([await answers(), await onRecord()]).toEqual([['three', 'three'], before])
    if (second) await must(second, `umount ${folder}`)
    // Nor does this machine's own disk keep anything from being deployed, where it has no room for the log.
    const logs = join(project.folder, 'state')
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', logs])
    const environment = { DOCKER_HOST: engine.host, XDG_STATE_HOME: logs }
    const { code: status, stderr: said } = await project.jijiWith(environment, 'deploy', '--version', 'four')
    await execa('umount', [logs])
    expect([status, said]).toEqual([0, expect.not.stringMatching(/warning|ENOSPC/)])
    expect(await answers()).toEqual(['four', 'four'])
  })
})
