import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, type Running, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'

const host = 'app.example.com'

describeOnRig('Ctrl-C', () => {
  let rig: Rig
  let project: Project

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'interrupt', images: ['caddy:2'] })
    project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    proxy: {app_port: 3000, hosts: [${host}], healthcheck: {deploy_timeout: 60s}}
`,
    })
    expect((await project.jiji('deploy', '--version', 'v1')).code).toBe(0)
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  const expectNothingLeft = async () => {
    for (const server of rig.servers) {
      const { engine } = server
      expect((await server.exec('ls -d /var/lib/jiji/shop/lock 2>/dev/null')).stdout).toBe('')
      expect((await server.exec(`${engine} ps -a --format '{{.Image}}' | grep -v ':v1$' | grep shop`)).stdout).toBe('')
      expect((await server.exec('ss -Hltn "sport = :9270"')).stdout).toBe('')
      expect((await server.exec('ls /dev/shm | grep jiji')).stdout).toBe('')
      expect((await ask({ address: server.address, host })).body).toBe('one')
    }
  }

  const interrupted = async (run: Running) => {
    run.kill('SIGINT')
    const { code, stderr } = await run.result
    expect(stderr).toContain('interrupted')
    expect(code).toBe(130)
  }

  test('during a pull leaves no lock, no candidate and no tunnel', async () => {
    await project.write(appFiles('two'))
    const run = project.start({}, 'deploy', '--version', 'v2')
    await run.says('pulling')
    await execa('docker', ['pause', 'jiji-registry'])
    try {
      await interrupted(run)
    } finally {
      await execa('docker', ['unpause', 'jiji-registry'])
    }
    await expectNothingLeft()
  })

  test('during the health check leaves no lock, no candidate and no tunnel', async () => {
    await project.write(appFiles('ill', { isHealthy: false }))
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host })))
    const run = project.start({}, 'deploy', '--version', 'v3')
    await run.says('started')
    await new Promise(resolve => setTimeout(resolve, 500))
    await interrupted(run)
    const { lost, bodies } = await load.stop()
    expect(lost).toEqual([])
    expect(bodies).toEqual(new Set(['one']))
    await expectNothingLeft()
  })

  test('even kill -9 during the health check leaves nothing once sshd has noticed', async () => {
    const run = project.start({}, 'deploy', '--version', 'v3')
    await run.says('started')
    run.kill('SIGKILL')
    await run.result
    await expect.poll(expectNothingLeft, { timeout: 15_000, interval: 500 }).toBeUndefined()
  })

  test('the next deploy works, and the change is on record', async () => {
    await project.write(appFiles('two'))
    const { code, stderr } = await project.jiji('deploy', '--version', 'v4')
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    for (const { address } of rig.servers) expect((await ask({ address, host })).body).toBe('two')
    const { stdout } = await project.jiji('audit', '-o', 'json')
    expect(stdout).toContain('"interrupted"')
  })
})
