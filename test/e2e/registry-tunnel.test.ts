import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, type Running, serversOf } from './harness.ts'
import { freePort } from './ports.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Engine, startEngine } from './rig/engine.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

describeOnRig('jiji registry tunnel', () => {
  let rig: Rig
  let engine: Engine
  let project: Project
  let port: number
  const servers = () => rig.servers as [Server, Server, Server]

  beforeAll(async () => {
    ;[rig, engine, port] = await Promise.all([
      startRig({ servers: ['docker', 'podman', 'podman'], name: 'tunnel' }),
      startEngine(['registry:2', 'busybox:1']),
      freePort(),
    ])
    const forbid = 'AllowTcpForwarding no'
    await must(servers()[2], `sed -i '1i ${forbid}' /root/.rig/sshd_config`)
    await servers()[2].reloadSshd()
    project = await createProject({
      Dockerfile: 'FROM busybox:1\nLABEL a=b\n',
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local, port: ${port}}}
${serversOf(rig)}
services:
  web: {build: {context: .}, hosts: [s1, s2]}
`,
    })
    const { code, stderr } = await project.jijiWith({ DOCKER_HOST: engine.host }, 'build', '--version', 'v1')
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
  })
  afterAll(async () => {
    await rig?.stop()
    await engine?.stop()
    await project?.remove()
  })

  const isOpen = async (server: Server) => (await server.exec(`ss -Hltn 'sport = :${port}'`)).stdout !== ''
  /** Goes on when it has said that the tunnels are open; none ever is to s3. */
  const start = async (hosts: string, ...words: string[]): Promise<Running> => {
    const run = project.start({ DOCKER_HOST: engine.host }, 'registry', 'tunnel', '-H', hosts, ...words)
    for (const host of hosts.split(',').filter(host => host !== 's3'))
      await run.says(words.length > 0 ? `"server":"${host}"` : `${host}: 127.0.0.1:`)
    return run
  }
  const digest = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/shop-web/manifests/v1`, { method: 'HEAD' })
    return [
      answer.headers.get('docker-content-digest'),
      await (await fetch(`http://127.0.0.1:${port}/v2/shop-web/tags/list`)).text(),
    ]
  }

  test('lets servers pull and not push, until Ctrl-C, which is exit 0 and leaves nothing', async () => {
    const before = await digest()
    const run = await start('s1,s2')
    const name = `127.0.0.1:${port}/shop-web`
    const pullAndPush = async ({ engine, exec }: Server) => {
      const plain = engine === 'podman' ? '--tls-verify=false' : ''
      expect(await exec(`${engine} pull -q ${plain} ${name}:v1`)).toMatchObject({ code: 0 })
      const label = `${engine} image inspect --format '{{.Config.Labels.a}}' ${name}:v1`
      expect(await exec(label)).toMatchObject({ stdout: 'b' })
      const other = `printf 'FROM ${name}:v1\\nLABEL a=c\\n' | ${engine} build -q -t ${name}:v1 -`
      expect(await exec(other)).toMatchObject({ code: 0 })
      const push = await exec(`${engine} push ${plain} ${name}:v1 2>&1`)
      expect([push.code, push.stdout]).toEqual([expect.any(Number), expect.stringMatching(/405|only be read/)])
      expect(push.code).not.toBe(0)
    }
    await Promise.all(servers().slice(0, 2).map(pullAndPush))
    expect(await digest()).toEqual(before)
    run.kill('SIGINT')
    const { code, stdout, stderr } = await run.result
    expect([code, stdout.split('\n').sort()]).toEqual([0, [`s1: 127.0.0.1:${port}`, `s2: 127.0.0.1:${port}`]])
    expect(stderr).not.toContain('error')
    for (const server of servers()) {
      await expect.poll(() => isOpen(server)).toBe(false)
      const left = async () => (await server.processes()).filter(line => /sleep 1000000|sshd: root/.test(line))
      await expect.poll(left).toEqual([])
    }
  })

  test('says which server forbids it, and holds the others', async () => {
    const alone = await project.jijiWith({ DOCKER_HOST: engine.host }, 'registry', 'tunnel', '-H', 's3')
    expect([alone.code, alone.stdout]).toEqual([4, 's3: failed: s3: its sshd forbids tunnels'])
    expect(alone.stderr).toContain('AllowTcpForwarding yes')
    const run = await start('s1,s3', '-o', 'json')
    expect(await servers()[0].exec(`docker pull -q 127.0.0.1:${port}/shop-web:v1`)).toMatchObject({ code: 0 })
    run.kill('SIGINT')
    const { code, stdout } = await run.result
    expect(code).toBe(7)
    const lines = stdout.split('\n').map(line => JSON.parse(line))
    expect(lines.sort((a, b) => a.server.localeCompare(b.server))).toEqual([
      { schemaVersion: 1, server: 's1', state: 'open', address: `127.0.0.1:${port}` },
      {
        schemaVersion: 1,
        server: 's3',
        state: 'failed',
        code: 'server.refused',
        reason: 's3: its sshd forbids tunnels',
      },
    ])
  })

  test('has another port where the usual one is taken', async () => {
    const [s1] = servers()
    // The tunnel of the test before goes a moment after its connection.
    await expect.poll(() => isOpen(s1)).toBe(false)
    const listen = `require('net').createServer().listen(${port}, '127.0.0.1')`
    const squatter = s1.exec(`echo $$ >/run/squatter; exec ${process.execPath} -e "${listen}"`)
    await expect.poll(() => isOpen(s1)).toBe(true)
    const run = await start('s1')
    run.kill('SIGINT')
    const { stdout, code } = await run.result
    await must(s1, 'kill $(cat /run/squatter)')
    await squatter
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^s1: 127\.0\.0\.1:\d+$/)])
    expect(stdout).not.toContain(`:${port}`)
  })

  test('says that a connection was lost, and ends with that when it was the last', async () => {
    const run = await start('s1,s2')
    await servers()[1].exec("pkill -KILL -f 'sshd[:] root'")
    await run.says('s2: lost')
    expect(await servers()[0].exec(`docker pull -q 127.0.0.1:${port}/shop-web:v1`)).toMatchObject({ code: 0 })
    await servers()[0].exec("pkill -KILL -f 'sshd[:] root'")
    const { code, stdout, stderr } = await run.result
    expect([code, stdout]).toEqual([
      4,
      expect.stringMatching(/\ns2: lost: .*\ns1: lost: the connection to .* was lost/),
    ])
    expect(stderr).toContain('2 of 2 servers failed')
    const again = await start('s1')
    again.kill('SIGINT')
    expect((await again.result).code).toBe(0)
  })
})
