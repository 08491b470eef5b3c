import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'

/**
 * The app of appFiles, ill where /state/ill on its server says `VERSION SERVICE`: then `fixed` ends, before Node has
 * begun, which may take longer than it must stay up.
 */
function app(version: string): Record<string, string> {
  const { Dockerfile = '', 'app.mjs': text = '' } = appFiles(version)
  const start = `if [ "$(cat /state/ill 2>/dev/null)" = "${version} $NAME" ]; then
  export ILL=1
  echo the database is missing >&2
  [ "$NAME" != fixed ] || exit 3
fi
exec node app.mjs
`
  return {
    Dockerfile: Dockerfile.replace('COPY app.mjs', 'COPY app.mjs start.sh').replace(
      '"node", "app.mjs"',
      '"sh", "start.sh"',
    ),
    'start.sh': start,
    'app.mjs': text.replace('= 200', '= process.env.ILL ? 503 : 200'),
  }
}

describeOnRig('a rollout to three servers', () => {
  let rig: Rig
  let project: Project
  const configure = (deploy: string) =>
    project.write({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
deploy: {settle: 500ms, stop_timeout: 1s, ${deploy}}
x-both: &both
  build: {context: .}
  hosts: [s1, s2, s3]
  volumes: ["/srv/state:/state"]
services:
  fixed: {<<: *both, environment: {clear: {NAME: fixed}}, ports: ["8090:3000"], stop_first: true}
  web:
    <<: *both
    environment: {clear: {NAME: web}}
    proxy: {app_port: 3000, hosts: [${host}], healthcheck: {interval: 200ms, deploy_timeout: 8s}}
`,
    })
  const deploy = (version: string, ...more: string[]) => project.jiji('deploy', '--version', version, ...more)
  const makeIll = (what: string) => must(rig.servers[1] as never, `echo ${what} >/srv/state/ill`)
  const answers = (port: number) =>
    Promise.all(rig.servers.map(({ address }) => ask({ address, port, host }).then(({ body }) => body)))
  const expectNothingLeft = async (...versions: string[]) => {
    for (const server of rig.servers) {
      expect((await server.exec('ls -d /var/lib/jiji/shop/lock 2>/dev/null')).stdout).toBe('')
      expect((await server.exec('ls /dev/shm | grep jiji')).stdout).toBe('')
      const running = await must(server, `${server.engine} ps --filter label=jiji.project=shop --format '{{.Image}}'`)
      expect([...new Set(running.split('\n').map(image => image.replace(/.*:/, '')))].toSorted()).toEqual(versions)
    }
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman', 'docker'], name: 'rollout', images: ['caddy:2'] })
    project = await createProject(app('one'))
    await Promise.all(rig.servers.map(server => must(server, 'mkdir -p /srv/state')))
    await configure('')
    expect((await deploy('v1')).code).toBe(0)
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('that is unhealthy on the second touches no third, and all serve what they did: exit 6', async () => {
    await configure('parallel: 1, wait: 1s, order: [web]')
    await project.write(app('two'))
    await makeIll('two web')
    const { code, stderr } = await deploy('v2')
    expect(stderr).toMatch(
      / {2}\| .*the database is missing\n[\s\S]*SERVES NOW +ON\nfixed v1, web v1 +s1, s2, s3\nerror: s2: web did/,
    )
    const steps = [
      's1 web +done',
      's1 fixed +done',
      'waiting 1 s before s2',
      's2 web +health failed',
      's1 fixed +put back',
    ]
    expect(stderr).toMatch(new RegExp(steps.map(step => `^${step}$`).join('[\\s\\S]*'), 'm'))
    expect(stderr).not.toMatch(/^s3 (web|fixed)/m)
    expect(code).toBe(6)
    expect([await answers(80), await answers(8090)]).toEqual([Array(3).fill('one'), Array(3).fill('one')])
    await expectNothingLeft('v1')
  })

  test('of a service that stops first, which ends on the second, has the old ones back', async () => {
    await makeIll('two fixed')
    const { code, stderr } = await deploy('v2', '-S', 'fixed')
    expect(stderr).toContain('error: s2: fixed did not become healthy')
    expect(code).toBe(6)
    await expect.poll(() => answers(8090)).toEqual(Array(3).fill('one'))
    await expectNothingLeft('v1')
  })

  test('that keeps what was switched says where, and can be rolled back there: exit 7', async () => {
    await configure('parallel: all, on_failure: keep')
    await makeIll('two web')
    const { code, stdout } = await deploy('v2', '-S', 'web', '-o', 'json')
    const lines = stdout.split('\n').map(line => JSON.parse(line))
    const failed = lines.find(one => one.state === 'failed')
    expect(failed).toMatchObject({ type: 'event', step: 'health', server: 's2', service: 'web' })
    const { type, error, services, log } = lines.at(-1)
    expect([type, readFileSync(log, 'utf8')]).toEqual(['error', expect.stringContaining('the database is missing')])
    expect([code, error.code]).toEqual([7, 'servers.partial'])
    const serves = services.map((one: Record<string, string>) => `${one.server} ${one.version} ${one.state}`)
    expect(serves).toEqual(['s1 v2 running', 's2 v1 running', 's3 v2 running'])
    expect(await answers(80)).toEqual(['two', 'one', 'two'])
    expect((await project.jiji('rollback', '-H', 's1,s3')).code).toBe(0)
    expect(await answers(80)).toEqual(Array(3).fill('one'))
    await expectNothingLeft('v1')
  })

  test('whose third is down changes nothing, or leaves it out where that is chosen', async () => {
    await makeIll('nothing')
    await configure('')
    await project.write(app('two'))
    const third = rig.servers[2] as (typeof rig.servers)[number]
    await must(third, 'kill $(cat /run/sshd.pid)')
    const refused = await deploy('v2', '-S', 'web')
    expect(refused.stderr).toMatch(/^s3 +cannot reach s3/m) // at once: the others were still being connected to
    expect(refused.stderr).toMatch(/error: cannot reach s3 .*\n[\s\S]*--skip-unreachable leaves it out/)
    expect(refused.code).toBe(4)
    expect(await answers(80)).toEqual(Array(3).fill('one'))
    // Whoever has read enough closes the pipe, and the deploy goes on to its end.
    const line = 'jiji deploy --version v2 -S web --skip-unreachable -o json | head -n 1'
    const { stdout, stderr } = await project.shell(line)
    expect(stderr).toMatch(/warning: s3 was left out, and serves what it did before: cannot reach s3/)
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, type: 'event' })
    const audit = await project.jiji('audit', '-o', 'json', '-n', '1', '-H', 's1')
    expect(JSON.parse(audit.stdout).entries).toMatchObject([{ action: 'deploy', to: 'v2', result: 'done' }])
    expect(await answers(80)).toEqual(['two', 'two', 'one'])
    await must(third, '/usr/sbin/sshd -f /root/.rig/sshd_config')
  })

  test('left by a second Ctrl-C ends at once, says what may be left, and the next deploy clears it away', async () => {
    await project.write(app('three'))
    await makeIll('three web')
    const run = project.start({}, 'deploy', '--version', 'v3', '-S', 'web')
    await run.says('s2 web         started')
    run.kill('SIGINT')
    await run.says('cleaning up')
    run.kill('SIGINT')
    const began = Date.now()
    const { code, stderr } = await run.result
    expect(Date.now() - began).toBeLessThan(1_000)
    expect(code).toBe(128) // it has died of the signal, which a shell calls 130
    expect(stderr).toMatch(/MAY BE LEFT +ON\n[\s\S]*web v3, switched and not on record +s1\n/)
    expect(stderr).toMatch(/the lock, shop-web-\S+ +s2/)
    expect(stderr).toMatch(/error: left at once, with something on s1, s2, s3 .*\n.*the next jiji deploy/)
    await makeIll('nothing')
    const next = await deploy('v3', '-S', 'web', '--wait')
    expect(next.stderr).not.toContain('error')
    expect(next.code).toBe(0)
    expect(await answers(80)).toEqual(Array(3).fill('three'))
    await expectNothingLeft('v1', 'v3')
  })
})
