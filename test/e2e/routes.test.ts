import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, serversOf } from './harness.ts'
import { startLoad } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

/** Says on each of its ports what it was asked. */
const app = `import { createServer } from 'node:http'
for (const port of [3000, 4000]) {
  createServer((request, response) => {
    let size = 0
    request.on('error', () => {})
    request.on('data', part => { size += part.length })
    request.on('end', () => {
      const { host, 'x-forwarded-for': from, 'x-forwarded-proto': scheme } = request.headers
      const answer = () => response.end(JSON.stringify({ port, path: request.url, host, from, scheme, size }))
      setTimeout(answer, request.url.startsWith('/slow') ? 2500 : 0)
    })
  }).listen(port)
}
process.on('SIGTERM', () => process.exit(0))
`

const own = 'ssl: {certificate_pem: CERT, private_key_pem: KEY}'

const configOf = (rig: Rig, ssl = own) => `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    proxy:
      targets:
        - app_port: 3000
          hosts: [app.example.com, "*.example.com"]
          redirect_from: [www.example.com]
          ${ssl}
          max_request_body: 1k
          response_timeout: 1s
        - {app_port: 4000, hosts: [app.example.com], path_prefix: /api/metrics, strip_path_prefix: false, healthcheck: {path: /ready}, ${ssl}}
  api:
    build: {context: .}
    hosts: [s1, s2]
    proxy:
      targets:
        - {app_port: 3000, hosts: [app.example.com], path_prefix: /api, ${ssl}}
        - {app_port: 4000, hosts: [plain.example.org], redirect_from: [old.example.org], forward_headers: true}
`

type Answer = { status: number; location: string | undefined; body: string; certificate: string | undefined }
type Asked = { headers?: Record<string, string>; body?: string }

function ask(address: string, url: string, { headers = {}, body }: Asked = {}): Promise<Answer> {
  const { protocol, hostname, pathname, search } = new URL(url)
  const options = {
    host: address,
    path: pathname + search,
    method: body === undefined ? 'GET' : 'POST',
    agent: false as const,
    headers: { host: hostname, ...headers },
  }
  return new Promise((resolve, reject) => {
    const read = (response: IncomingMessage) => {
      const { socket } = response
      const certificate =
        'getPeerX509Certificate' in socket ? (socket as TLSSocket).getPeerX509Certificate() : undefined
      let text = ''
      response.on('data', part => {
        text += part
      })
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          body: text,
          certificate: certificate?.fingerprint256,
        }),
      )
    }
    const asked =
      protocol === 'https:'
        ? requestHttps({ ...options, servername: hostname, rejectUnauthorized: false }, read)
        : requestHttp(options, read)
    asked.on('error', reject).end(body)
  })
}

function makeCertificate(): { CERT: string; KEY: string } {
  const folder = mkdtempSync(join(tmpdir(), 'jiji-certificate-'))
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -days 30 -keyout key -out cert'
  const names = ['-addext', 'subjectAltName=DNS:*.example.com']
  execFileSync('openssl', [...words.split(' '), ...names], { cwd: folder, stdio: 'ignore' })
  const [CERT, KEY] = ['cert', 'key'].map(name => readFileSync(join(folder, name), 'utf8')) as [string, string]
  rmSync(folder, { recursive: true })
  return { CERT, KEY }
}

describeOnRig('what the proxy does for services, on a Docker and a Podman server', () => {
  let rig: Rig
  let project: Project
  const [first, second] = [makeCertificate(), makeCertificate()]
  const fingerprint = ({ CERT }: typeof first) => new X509Certificate(CERT).fingerprint256
  /** The same from every server. */
  const answer = async (url: string, asked?: Asked): Promise<Answer> => {
    const [one, ...others] = await Promise.all(rig.servers.map(({ address }) => ask(address, url, asked)))
    for (const other of others) expect({ ...other, body: '' }).toEqual({ ...one, body: '' })
    return one as Answer
  }
  const inProxies = (line: string) =>
    Promise.all(rig.servers.map(server => must(server, `${server.engine} exec jiji-proxy sh -c '${line}'`)))

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'routes', images: ['caddy:2'] })
    project = await createProject({
      Dockerfile: 'FROM node:20-slim\nCOPY app.mjs /\nCMD ["node", "/app.mjs"]\n',
      'app.mjs': app,
      '.jiji/deploy.yml': configOf(rig),
    })
    const { code, stderr } = await project.jijiWith(first, 'deploy', '--version', 'v1')
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test.each<[string, object]>([
    ['https://app.example.com/x?y=1', { port: 3000, path: '/x?y=1', host: 'app.example.com', scheme: 'https' }],
    ['https://any.example.com/', { port: 3000, path: '/', host: 'any.example.com' }],
    ['https://app.example.com/api/x?y=1', { port: 3000, path: '/x?y=1' }],
    ['https://app.example.com/api', { port: 3000, path: '/' }],
    ['https://app.example.com/apix', { port: 3000, path: '/apix' }],
    ['https://app.example.com/api/metrics/x', { port: 4000, path: '/api/metrics/x' }],
    ['http://plain.example.org/', { port: 4000, path: '/', scheme: 'http' }],
  ])('%s leads to its target', async (url, expected) => {
    const { status, body } = await answer(url)
    expect([status, JSON.parse(body)]).toEqual([200, expect.objectContaining(expected)])
  })

  test('a host of nobody is not found', async () => {
    expect(await answer('http://nobody.example.org/')).toMatchObject({ status: 404, body: '' })
  })

  test.each<[string, string]>([
    ['http://app.example.com/a?b=1', 'https://app.example.com/a?b=1'],
    ['http://any.example.com/', 'https://any.example.com/'],
    ['https://www.example.com/a?b=1', 'https://app.example.com/a?b=1'],
    ['http://www.example.com/a', 'https://app.example.com/a'],
    ['http://old.example.org/a?b', '//plain.example.org/a?b'],
  ])('%s is sent on to %s', async (url, location) => {
    expect(await answer(url)).toMatchObject({ status: 308, location })
  })

  test('bodies that are too large and answers that are too late have a status of their own', async () => {
    const url = 'https://app.example.com/'
    expect((await answer(url, { body: 'x'.repeat(1024) })).status).toBe(200)
    expect((await answer(url, { body: 'x'.repeat(1025) })).status).toBe(413)
    const chunked = { headers: { 'transfer-encoding': 'chunked' }, body: 'x'.repeat(1025) }
    expect((await answer(url, chunked)).status).toBe(413)
    expect((await answer(`${url}slow`)).status).toBe(504)
    expect((await answer(`${url}api/slow`)).status).toBe(200)
  })

  test('what clients say of themselves is passed on where it is to be', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' }
    const from = async (url: string) => JSON.parse((await answer(url, { headers })).body)
    expect(await from('http://plain.example.org/')).toMatchObject({
      from: expect.stringMatching(/^192\.0\.2\.7, /),
      scheme: 'https',
    })
    expect((await from('https://app.example.com/')).from).not.toContain('192.0.2.7')
  })

  test('an own certificate is replaced while the proxy runs, and the one before goes', async () => {
    expect((await answer('https://app.example.com/')).certificate).toBe(fingerprint(first))
    const started = await inProxies('stat -c %Y /proc/1')
    const wrong = await project.jijiWith({ ...second, KEY: first.KEY }, 'deploy', '--version', 'v2')
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('KEY is not the key of the certificate') })

    const { code, stderr } = await project.jijiWith(second, 'deploy', '--version', 'v2')
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('PRIVATE KEY')])
    expect((await answer('https://app.example.com/')).certificate).toBe(fingerprint(second))
    expect((await answer('https://www.example.com/')).certificate).toBe(fingerprint(second))
    expect(await inProxies('stat -c %Y /proc/1')).toEqual(started)
    const files = await inProxies('cd /jiji/certificates/shop && stat -c "%a %n" . *')
    for (const list of files) expect(list).toMatch(/^700 \.\n600 [0-9a-f]{16}\.pem$/)
    const { stdout } = await project.jiji('status', '-o', 'json')
    const { services } = JSON.parse(stdout)
    expect(services.map(({ health }: { health: string }) => health)).toEqual(Array(4).fill('healthy'))
    const { host, expires } = services[0].certificates[0]
    expect([host, Math.round((Date.parse(expires) - Date.now()) / 86_400_000)]).toEqual(['app.example.com', 30])
  })

  test('a rollback needs no certificate at hand, and leaves the routes as they are', async () => {
    const { code, stderr } = await project.jiji('rollback')
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('routes')])
    expect(await answer('https://app.example.com/')).toMatchObject({ status: 200, certificate: fingerprint(second) })
  })

  test('without ssl no certificate is left', async () => {
    await project.write({ '.jiji/deploy.yml': configOf(rig, 'ssl: false') })
    expect((await project.jiji('deploy', '--version', 'v3', '-S', 'api')).code).toBe(0)
    expect((await answer('http://app.example.com/api/x')).status).toBe(200)
    expect(await inProxies('ls /jiji/certificates/shop')).toEqual(['', ''])
  })

  test('a service gets the host of another one when it is healthy, and not before', async () => {
    const [others, api = ''] = configOf(rig, 'ssl: false').split('  api:')
    const renamed = `${others}  other:${api.replaceAll(/(app_port: \d+)/g, '$1, healthcheck: {deploy_timeout: 3s}')}`
    const deployed = async (service: string) => {
      await project.write({ '.jiji/deploy.yml': `${renamed.trimEnd()}\n    ${service}\n` })
      return project.jiji('deploy', '--version', 'v3', '-S', 'other')
    }
    const load = startLoad(rig.servers.map(({ address }) => ({ address, host: 'plain.example.org' })))
    const ill = await deployed('command: [sleep, "1000"]')
    const { answers, lost } = await load.stop()
    expect(ill).toMatchObject({ code: 6, stderr: expect.stringContaining('other did not become healthy') })
    expect([lost, answers > 0]).toEqual([[], true])

    expect((await deployed('command: [node, /app.mjs]')).code).toBe(0)
    expect((await answer('http://plain.example.org/')).status).toBe(200)
    for (const sites of await inProxies('cat /jiji/sites/shop.caddy')) {
      expect(sites).toContain('shop-other-a:4000')
      expect(sites).not.toContain('shop-api-')
    }
  })
})
