import { readFileSync } from 'node:fs'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Problem } from '../../src/config/problem.ts'
import type { Check } from '../../src/registry/verify/proof.ts'
import { appFiles, createProject, type Project, type Result, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Registry, startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const passwords = { alice: 'pa$$-W0rd+|\'"v5Rf', bob: 'b0b-b0b-b0b-9Xy' }
const forms = Object.entries(passwords).flatMap(([name, password]) => [
  password,
  base64(password),
  base64(`${name}:${password}`),
  encodeURIComponent(password),
])

describeOnRig('registry verify', () => {
  let rig: Rig
  let withPassword: Registry
  let withTokens: Registry
  let project: Project
  let plain: WebServer
  let web: WebServer

  /** Columns of a row: `personal/app s1 ok ok ok skipped`. */
  const rows = ({ stdout }: Result) =>
    checksIn(stdout).map(({ image, place, reach, identity, pull, push }) =>
      [image.replace(/^[^/]*\//, ''), place, reach, identity, pull, push].join(' '),
    )
  /** Why, each cause once. */
  const found = ({ stdout }: Result) => [...new Set(checksIn(stdout).flatMap(({ cause }) => cause ?? []))]
  const environment = { ALICE: passwords.alice, BOB: passwords.bob }
  const verify = (...words: string[]) => project.jijiWith(environment, 'registry', 'verify', '-o', 'json', ...words)
  const deploy = (given: Record<string, string>, version: string, ...words: string[]) =>
    project.jijiWith(given, 'deploy', '--version', version, ...words)
  const s2 = () => rig.servers[1] as Server

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'verify', images: ['caddy:2'] })
    const users = {
      alice: { password: passwords.alice, grants: { 'personal/': ['pull', 'push', 'delete'] } },
      bob: { password: passwords.bob, grants: { 'personal/': ['pull'], 'company/': ['push'] } },
    }
    const address = rig.controller
    withTokens = await startRegistry({ address, tokens: { users }, trustedBy: rig.servers })
    withPassword = await startRegistry({ address, users: { alice: passwords.alice }, trustedBy: rig.servers })
    plain = await startWebServer(address)
    web = await startWebServer(address, dirname(withTokens.ca))
    for (const server of [undefined, ...rig.servers]) await trust(web, withTokens.ca, server)
    project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: shop
builder:
  registry: {server: "${withTokens.host}", namespace: personal, username: alice, password: ALICE}
registries:
  readonly: {server: "${withTokens.host}/personal/other", username: bob, password: BOB}
  company: {server: "${withTokens.host}/company", username: bob, password: BOB}
  plain: {server: "${withPassword.host}", username: alice, password: ALICE}
${serversOf(rig)}
services:
  web:
    build: {context: .}
    hosts: [s1, s2]
    proxy: {app_port: 3000, hosts: [app.example.com]}
`,
    })
    const image = `${withPassword.host}/box:1`
    const s1 = rig.servers[0]
    if (!s1) throw new Error('there is no server')
    await must(s1, `docker login -u alice --password-stdin ${withPassword.host}`, { input: passwords.alice })
    await must(s1, `docker tag caddy:2 ${image}; docker push -q ${image}; docker logout ${withPassword.host}`)
  })
  afterAll(async () => {
    plain?.close()
    web?.close()
    if (web) await rm(`/etc/docker/certs.d/${web.host}`, { recursive: true, force: true })
    await Promise.all([withPassword?.stop(), withTokens?.stop()])
    await rig?.stop()
    await project?.remove()
  })

  test('proves what this configuration pushes from here and pulls on its servers', async () => {
    const watch = watchProcesses(forms)
    const result = await verify('-v')
    const { seen, looks } = watch.stop()
    expect(rows(result)).toEqual([
      'personal/shop-web here ok ok skipped ok',
      'personal/shop-web s1 ok ok ok skipped',
      'personal/shop-web s2 ok ok ok skipped',
    ])
    expect(result.code).toBe(0)
    expect([looks > 20, seen]).toEqual([true, []])
    for (const form of forms) expect(result.stdout + result.stderr).not.toContain(form)
    const held = await Promise.all(rig.servers.flatMap(server => forms.map(form => server.filesHolding(form))))
    expect(held.flat()).toEqual([])
  })

  test('validate --online says the same at the lines of the file', async () => {
    const { host } = withPassword
    await project.write({
      'online.yml': `project: shop
builder:
  registry:
    server: "${withTokens.host}"
    namespace: company
    username: bob
    password: BOB
registries:
  plain:
    server: "${host}"
    username: alice
    password: BOB
${serversOf(rig)}
services:
  web: {build: {context: .}, hosts: [s1]}
  there: {image: "${host}/box:1", hosts: [s1, s2]}
  gone: {image: "${withTokens.host}/personal/gone:1", hosts: [s1]}
`,
    })
    const { code, stdout } = await project.jijiWith(
      environment,
      'validate',
      '--online',
      '-c',
      'online.yml',
      '-o',
      'json',
    )
    const { problems }: { problems: Problem[] } = JSON.parse(stdout)
    expect([...new Set(problems.map(({ line, path, code }) => `${line} ${path} ${code}`))]).toEqual([
      '7 builder.registry.password registry.refused',
      '12 registries.plain.password registry.refused',
      '21 services.gone.image pull.failed',
    ])
    expect(code).toBe(3)
    for (const form of forms) expect(stdout).not.toContain(form)
  })

  test('asks each image for its own, here and on all servers, over one connection to each', async () => {
    const before = rig.servers.map(server => server.connections())
    const { host } = withPassword
    const result = await verify(`${host}/box:1`, `${host}/box:2`)
    const everywhere = (row: string) => ['here', 's1', 's2'].map(place => row.replace('PLACE', place))
    expect(rows(result).toSorted()).toEqual(
      [...everywhere('box:1 PLACE ok ok ok skipped'), ...everywhere('box:2 PLACE ok ok failed skipped')].toSorted(),
    )
    expect(found(result)).toEqual(['no-tag'])
    expect(result.code).toBe(1)
    expect(rig.servers.map((server, index) => server.connections() - (before[index] ?? 0))).toEqual([1, 1])
  })

  test.each<[string, () => string[], Record<string, string>, string, string, number]>([
    [
      'a wrong password',
      () => [`${withPassword.host}/box:1`],
      { ALICE: 'wr0ng' },
      'wrong-password',
      'ok failed skipped skipped',
      3,
    ],
    [
      'a wrong password, with tokens',
      () => [`${withTokens.host}/personal/x`],
      { ALICE: 'wr0ng' },
      'wrong-password',
      'ok failed skipped skipped',
      3,
    ],
    [
      'the right password without pull',
      () => [`${withTokens.host}/company/x`],
      {},
      'no-pull',
      'ok ok failed skipped',
      3,
    ],
    [
      'nothing that listens',
      () => [`${rig.controller}:1/x`],
      {},
      'nothing-listens',
      'failed skipped skipped skipped',
      1,
    ],
    ['a name that does not resolve', () => ['nowhere.invalid/x'], {}, 'dns', 'failed skipped skipped skipped', 1],
    ['what speaks no TLS', () => [`${plain.host}/x`], {}, 'plain-http', 'failed skipped skipped skipped', 1],
    ['what is not a registry', () => [`${web.host}/x`], {}, 'not-a-registry', 'failed skipped skipped skipped', 1],
    [
      'what nobody may pull unnamed',
      () => [`${withTokens.host}/elsewhere/x`],
      {},
      'no-credential',
      'ok skipped failed skipped',
      3,
    ],
  ])('tells %s, from here and from each server', async (_, images, given, cause, states, code) => {
    await project.write({ '.jiji/deploy.narrow.yml': `builder: {registry: {server: "${withTokens.host}/personal"}}\n` })
    const result = await project.jijiWith(
      { ...environment, ...given },
      'registry',
      'verify',
      '-e',
      'narrow',
      '-o',
      'json',
      ...images(),
    )
    expect(rows(result).map(row => row.replace(/^\S+ /, ''))).toEqual(
      ['here', 's1', 's2'].map(place => `${place} ${states}`),
    )
    expect(found(result)).toEqual([cause])
    expect(result.code).toBe(code)
    expect(result.stdout + result.stderr).not.toContain('wr0ng')
  })

  test('tells the right password without push', async () => {
    await project.write({ '.jiji/deploy.readonly.yml': 'builder: {registry: {username: bob, password: BOB}}\n' })
    const result = await verify('-e', 'readonly')
    expect(rows(result)).toEqual([
      'personal/shop-web here ok ok skipped failed',
      'personal/shop-web s1 ok ok ok skipped',
      'personal/shop-web s2 ok ok ok skipped',
    ])
    expect(found(result)).toEqual(['no-push'])
    expect(result.code).toBe(3)
  })

  test('leaves no upload behind', async () => {
    await verify()
    expect(withTokens.log()).toMatch(/"DELETE \/v2\/personal\/shop-web\/blobs\/uploads\/[^"]*" 204/)
  })

  test('prints a table, and each thing once', async () => {
    const { stdout, stderr, code } = await project.jijiWith(environment, 'registry', 'verify', `${rig.controller}:1/x`)
    const row = `${rig.controller}:1/x`
    expect(stdout).toBe(`IMAGE          PLACE  REACH   IDENTITY  PULL     PUSH
${['here', 's1  ', 's2  '].map(place => `${row}  ${place}   failed  skipped   skipped  skipped`).join('\n')}

here, s1, s2: nothing listens at ${rig.controller}:1
  is the port right, and does the registry run?`)
    expect(stderr).toBe('error: 3 of 3 checks failed')
    expect(code).toBe(1)
  })

  test('leaves places out', async () => {
    expect(rows(await verify('-L'))).toHaveLength(2)
    expect(rows(await verify('-R'))).toHaveLength(1)
    expect(rows(await verify('-L', '-H', 's2'))).toEqual(['personal/shop-web s2 ok ok ok skipped'])
  })

  test('a server that cannot be reached is exit 7, and proves nothing', async () => {
    await project.write({ '.jiji/deploy.gone.yml': 'servers: {s2: {host: 127.0.0.1, port: 1}}\n' })
    const result = await verify('-e', 'gone')
    expect(rows(result)[2]).toBe('personal/shop-web s2 unknown skipped skipped skipped')
    expect(found(result)).toEqual(['server'])
    expect(result.code).toBe(7)
  })

  test('an image of the local registry needs no proof', async () => {
    await project.write({
      '.jiji/local.yml': `project: shop\n${serversOf(rig)}\nservices: {web: {build: {}, hosts: [s1]}}\n`,
    })
    const { stdout, code } = await project.jijiWith(environment, 'registry', 'verify', '-c', '.jiji/local.yml')
    expect([stdout, code]).toEqual(['localhost:9270/shop-web: the registry is local, which needs no proof', 0])
  })

  describe('with an authority that one server of two does not know', () => {
    let kept = ''
    const folder = () => `/etc/docker/certs.d/${withTokens.host}`

    beforeAll(async () => {
      kept = await must(s2(), `cat ${folder()}/ca.crt && rm -r ${folder()}`)
    })
    afterAll(() => must(s2(), `mkdir -p ${folder()} && cat >${folder()}/ca.crt`, { input: kept }))

    test('verify tells which, as its engine does', async () => {
      const result = await verify()
      expect(rows(result).slice(1)).toEqual([
        'personal/shop-web s1 ok ok ok skipped',
        'personal/shop-web s2 failed skipped skipped skipped',
      ])
      expect(checksIn(result.stdout)[2]).toMatchObject({
        cause: 'unknown-authority',
        message: `the certificate of ${withTokens.host} is from an authority that is not known: Test authority`,
        hint: expect.stringContaining(`/etc/containers/certs.d/${withTokens.host}/ca.crt`),
      })
      expect(result.code).toBe(1)
      expect((await s2().exec(`podman pull -q ${withTokens.host}/personal/x`)).stderr).toContain('x509')
    })
    test('deploy stops before it builds', async () => {
      const { stderr, code } = await deploy(environment, 'v0')
      expect(stderr).toContain(`error: s2: the certificate of ${withTokens.host} is from an authority`)
      expect(stderr).not.toContain('building')
      expect(code).toBe(1)
    })
    test('and with --skip-verify it gets as far as the pull', async () => {
      const { stderr, code } = await deploy(environment, 'v0', '--skip-verify')
      expect(stderr).toMatch(/building.*pushed.*s2: .* could not be pulled/s)
      expect(code).not.toBe(0)
    })
    test('that it knows by its system is enough', async () => {
      await must(
        s2(),
        'cp /etc/ssl/certs/ca-certificates.crt /root/bundle && cat >>/etc/ssl/certs/ca-certificates.crt',
        { input: `\n${kept}\n` },
      )
      try {
        expect(rows(await verify('-L', '-H', 's2'))).toEqual(['personal/shop-web s2 ok ok ok skipped'])
      } finally {
        await must(s2(), 'cat /root/bundle >/etc/ssl/certs/ca-certificates.crt')
      }
    })
  })

  test('deploy with a wrong password is exit 3, and nothing is built or changed', async () => {
    const { stderr, code } = await deploy({ ...environment, ALICE: 'wr0ng' }, 'v1')
    expect(stderr).toContain(`${withTokens.host} refused the login of alice: 401 incorrect username or password`)
    expect(stderr).not.toMatch(/building|wr0ng/)
    expect(code).toBe(3)
    expect(await must(rig.servers[0] as Server, 'docker ps -aq --filter name=shop')).toBe('')
  })
  test('deploy proves, builds and releases', async () => {
    const { stderr, code } = await deploy(environment, 'v1')
    expect(stderr).toMatch(/verified .*building.*pushed/s)
    expect(code).toBe(0)
    for (const { address } of rig.servers) expect((await ask({ address, host: 'app.example.com' })).body).toBe('one')
  })
  test('deploy that nobody wants a proof of makes none', async () => {
    const { stderr, code } = await deploy(environment, 'v2', '--skip-verify')
    expect(stderr).not.toContain('verified')
    expect(code).toBe(0)
  })
})

function checksIn(stdout: string): Check[] {
  const { schemaVersion, checks } = JSON.parse(stdout) as { schemaVersion: number; checks?: Check[] }
  if (schemaVersion !== 1 || !checks) throw new Error(`that is no result: ${stdout}`)
  return checks
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

type WebServer = { host: string; close(): void }

/** Something that answers, and is no registry. */
async function startWebServer(address: string, certificate?: string): Promise<WebServer> {
  const page = (_: unknown, response: ServerResponse) => void response.end('<html/>')
  const read = (name: string) => readFileSync(join(certificate ?? '', name))
  const server = certificate
    ? createSecure({ key: read('server.key'), cert: read('server.crt') }, page)
    : createServer(page)
  await new Promise<void>(resolve => server.listen(0, address, resolve))
  return { host: `${address}:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

/** On a server, or here. */
async function trust({ host }: WebServer, ca: string, server: Server | undefined): Promise<void> {
  const folder = `/etc/docker/certs.d/${host}`
  if (server) await must(server, `mkdir -p ${folder} && cat >${folder}/ca.crt`, { input: readFileSync(ca) })
  else {
    await mkdir(folder, { recursive: true })
    await copyFile(ca, join(folder, 'ca.crt'))
  }
}
