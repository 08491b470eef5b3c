import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createProject, type Project, serversOf } from './harness.ts'
import { ask, startLoad } from './load.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const [both, old, next] = ['app.example.com', 'old.example.com', 'new.example.com']
const secretOf = (version: string) => ({
  TOKEN: `geheim-of-${version}`,
  KEY: `-----BEGIN geheim\nlines-of-${version}\n`,
})

/** It answers with what it was given, has a health check of its own, and is ill where a file on the server says so. */
const app = `import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
const { GREETING, TOKEN, KEY, HEALTH, PORT } = process.env
const page = readFileSync('/etc/page', 'utf8')
createServer((request, response) => {
  if (request.url === HEALTH && existsSync('/state/ill')) response.statusCode = 503
  if (request.url !== HEALTH && request.url !== '/') response.statusCode = 404
  response.end(JSON.stringify({ GREETING, TOKEN, KEY, page }))
}).listen(Number(PORT))
process.on('SIGTERM', () => process.exit(0))
`

describeOnRig('a rollback on Docker and on Podman', () => {
  vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })
  let rig: Rig
  let project: Project

  const configOf = (version: 'v1' | 'v2') => {
    const is1 = version === 'v1'
    const proxy = is1
      ? `{app_port: 3000, hosts: [${both}, ${old}], healthcheck: {path: /up, deploy_timeout: 8s}}`
      : `{app_port: 4000, hosts: [${both}, ${next}], healthcheck: {path: /ready, deploy_timeout: 8s}}`
    return `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
deploy: {settle: 1s, stop_timeout: 1s}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    replicas: ${is1 ? 2 : 1}
    files: ["page:/etc/page"]
    directories: ["state:/state"]
    environment: {clear: {GREETING: "hello ${version}", PORT: ${is1 ? 3000 : 4000}, HEALTH: ${is1 ? '/up' : '/ready'}}, secrets: [TOKEN, KEY]}
    proxy: ${proxy}
${is1 ? '' : '  worker: {build: {context: worker}, hosts: [s1], command: [sleep, "1000"]}'}
`
  }
  const write = (version: 'v1' | 'v2') =>
    project.write({
      page: `page of ${version}`,
      'app.mjs': `${app}// ${version}\n`,
      '.jiji/deploy.yml': configOf(version),
    })
  const answersAt = (host: string) =>
    Promise.all(
      rig.servers.map(async ({ address }) => {
        const { status, body } = await ask({ address, host })
        if (status !== 200 || body === '') return undefined
        const { GREETING, TOKEN, KEY, page } = JSON.parse(body)
        return [GREETING, TOKEN, KEY, page]
      }),
    )
  const expectServed = async (version: 'v1' | 'v2') => {
    const { TOKEN, KEY } = secretOf(version)
    const answer = [`hello ${version}`, TOKEN, KEY, `page of ${version}`]
    const [here, gone] = version === 'v1' ? [old, next] : [next, old]
    expect(await answersAt(both)).toEqual([answer, answer])
    expect(await answersAt(here)).toEqual([answer, answer])
    expect(await answersAt(gone)).toEqual([undefined, undefined])
  }
  const list = async (...more: string[]) => {
    const { code, stdout, stderr } = await project.jiji('rollback', '--list', '-o', 'json', ...more)
    expect([code, stderr]).toEqual([0, ''])
    const { releases } = JSON.parse(stdout) as { releases: { version: string; servers: Record<string, string>[] }[] }
    return releases.map(
      ({ version, servers }) => `${version}: ${servers.map(one => one.how ?? one.reason ?? one.state)}`,
    )
  }
  const rollback = async (...words: string[]) => {
    const { code, stdout, stderr } = await project.jiji('rollback', '-v', ...words)
    expect(stderr).not.toContain('error:')
    expect(code).toBe(0)
    expect(stdout + stderr).not.toMatch(/geheim-of|lines-of/)
    return stderr
  }
  const runs = (server: Server, service: string) =>
    must(server, `${server.engine} ps -q --filter label=jiji.service=${service} | wc -l`)
  const removeContainers = async (version: string) => {
    for (const server of rig.servers)
      await must(server, `${server.engine} rm -f $(${server.engine} ps -aq --filter label=jiji.version=${version})`)
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'rollback', images: ['caddy:2'] })
    project = await createProject({
      Dockerfile: 'FROM node:20-slim\nWORKDIR /app\nCOPY app.mjs ./\nCMD ["node", "app.mjs"]\n',
      'worker/Dockerfile': 'FROM busybox:1\n',
    })
    for (const version of ['v1', 'v2'] as const) {
      await write(version)
      const { code, stderr } = await project.jijiWith(secretOf(version), 'deploy', '--version', version)
      expect(stderr).not.toContain('error:')
      expect(code).toBe(0)
    }
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('goes to the release before, with its environment, files, routes and services, and loses no request', async () => {
    await expectServed('v2')
    expect(await list()).toEqual(['v2: current,current', 'v1: start,start'])
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host: both })))
    expect(await rollback()).not.toContain('pulled')
    const { lost, answers } = await load.stop()
    await expectServed('v1')
    // New routes mean a reload, and a reload closes idle connections: only such requests may be lost.
    expect(lost.filter(reason => !/socket hang up|ECONNRESET/.test(reason))).toEqual([])
    expect(answers).toBeGreaterThan(100)
    for (const server of rig.servers)
      expect([await runs(server, 'web'), await runs(server, 'worker')]).toEqual(['2', '0'])
    expect(await list()).toEqual(['v2: start,start', 'v1: current,current'])
  })

  test('goes forward again, by the version', async () => {
    expect((await project.jiji('rollback', 'v1')).stderr).toContain('v1 is the current release')
    await rollback('v2')
    await expectServed('v2')
    expect(await Promise.all(rig.servers.map(server => runs(server, 'worker')))).toEqual(['1', '0'])
  })

  test('makes containers again that somebody has removed, with what they were given, which nobody else can see', async () => {
    await removeContainers('v1')
    expect(await list()).toEqual(['v2: current,current', 'v1: make,make'])
    const watch = watchProcesses(['geheim-of-v1'])
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host: both })))
    expect(await rollback()).not.toContain('pulled')
    const { lost } = await load.stop()
    const { seen, looks } = watch.stop()
    await expectServed('v1')
    expect(lost.filter(reason => !/socket hang up|ECONNRESET/.test(reason))).toEqual([])
    expect(looks).toBeGreaterThan(20)
    // The containers themselves are told by their environment.
    expect(seen.filter(line => !line.startsWith('in the environment of'))).toEqual([])
    for (const server of rig.servers) {
      expect(await runs(server, 'web')).toBe('2')
      const holding = await must(server, 'cd /var/lib/jiji && grep -rlE "geheim-of|lines-of" .')
      const ours = /^\.\/shop\/files\/shop-web-[\d-]+\/(environment|exports)$/
      expect(holding.split('\n').filter(file => !ours.test(file))).toEqual([])
      expect(holding.split('\n')).toHaveLength(4)
      const modes = await must(server, `cd /var/lib/jiji && stat -c %a ${holding.replaceAll('\n', ' ')} shop/files/*`)
      expect(new Set(modes.split('\n'))).toEqual(new Set(['600', '700']))
      const labels = `${server.engine} inspect --format '{{json .Config.Labels}}' $(${server.engine} ps -aq)`
      expect(await must(server, labels)).not.toContain('geheim')
    }
  })

  test('pulls an image that is gone by its digest', async () => {
    await removeContainers('v2')
    for (const server of rig.servers) {
      const images = `${server.engine} images --format '{{.Repository}}:{{.Tag}} {{.ID}}'`
      await must(server, `${server.engine} rmi -f $(${images} | sed -n 's|.*/shop-web:v2 ||p')`)
    }
    expect(await list()).toEqual(['v2: pull,pull', 'v1: current,current'])
    expect(await rollback('v2')).toContain('pulled')
    await expectServed('v2')
  })

  test('that is not healthy on the second server puts all back, and what it needs is there for the next try', async () => {
    await removeContainers('v1')
    const [, second] = rig.servers
    if (!second) throw new Error('there is no second server')
    await must(second, 'touch /var/lib/jiji/shop/directories/web/state/ill')
    const { code, stderr } = await project.jiji('rollback')
    expect([code, stderr]).toEqual([6, expect.stringContaining('/up answered 503')])
    await expectServed('v2')
    expect(await list()).toEqual(['v2: current,current', 'v1: make,make'])
  })

  test('is refused where another project has taken a host name, or an image cannot be had any more', async () => {
    const [first] = rig.servers
    if (!first) throw new Error('there is no server')
    await must(
      first,
      `docker exec jiji-proxy sh -c 'printf "# %s\\n" "$1" >/jiji/sites/other.caddy' sh '{"project":"other","hosts":["${old}"],"hash":""}'`,
    )
    expect(await list()).toEqual(['v2: current,current', `v1: ${old} belongs to the project other,make`])
    const { code, stderr } = await project.jiji('rollback')
    expect([code, stderr]).toEqual([1, expect.stringContaining(`s1: ${old} belongs to the project other`)])
    await must(first, 'docker exec jiji-proxy rm /jiji/sites/other.caddy')

    for (const server of rig.servers)
      await must(
        server,
        'sed -i s/sha256:./sha256:0/g /var/lib/jiji/shop/releases/*.json; rm /var/lib/jiji/shop/files/*/image',
      )
    expect(await list('-H', 's1')).toEqual([
      'v2: current',
      expect.stringContaining('the local registry does not hold it'),
    ])
    const refused = await project.jiji('rollback')
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('could not be pulled')])
    await expectServed('v2')
  })
})
