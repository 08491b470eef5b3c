import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, program, serversOf } from './harness.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Registry, startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const passwords = {
  ALICE: 'n4me$$-Sp4ce+|\'"k2Lm',
  BOB: 'b0b#s s3cret!%2B',
  DAVE: 'd4ve:with:colons',
  CAROL: '-----BEGIN KEY\nline "two" \\n of $HOME\n\nEND KEY-----',
}
const users = {
  admin: { password: 'admin-password', grants: { '': ['pull', 'push'] } },
  alice: { password: passwords.ALICE, grants: { 'personal/': ['pull'] } },
  'ns+bob': { password: passwords.BOB, grants: { 'company/': ['pull'] } },
  dave: { password: passwords.DAVE, grants: { 'built/': ['pull', 'push'] } },
  robot$carol: { password: passwords.CAROL, grants: { 'lines/': ['pull'] } },
}
const names = { alice: 'personal', 'ns+bob': 'company', robot$carol: 'lines' }
const forms = Object.entries(passwords).flatMap(([name, password]) => {
  const user = Object.keys(users).find(one => one.toUpperCase().includes(name)) ?? ''
  const inside = base64(`${user}:${password}`).slice(user.length + 4, -4)
  const plain = password.includes('\n') ? 'line "two" \\n of $HOME' : password
  return [plain, base64(password).slice(0, -4), inside, encodeURIComponent(plain), JSON.stringify(plain).slice(1, -1)]
})

describeOnRig('three credentials for three namespaces of one registry', () => {
  let began: number
  let rig: Rig
  let registry: Registry
  let project: Project
  let home: string
  // A variable that no credential is declared for is nobody's secret: dave's is given to his build alone.
  const here = ({ DAVE, ...declared } = passwords) => ({ HOME: home, ...declared })
  const config = (owner: (namespace: string) => string | undefined) => {
    const services = Object.values(names).map(namespace => {
      const named = owner(namespace)
      return `  ${namespace}:
    image: ${registry.host}/${namespace}/app:1
    hosts: [s1, s2]
    command: ["sleep", "600"]
${named ? `    registry: ${named}\n` : ''}`
    })
    return `project: shop
builder: {registry: {type: local}}
registries:
  personal: {server: "${registry.host}/personal", username: alice, password: ALICE}
  company: {server: "${registry.host}/Company/", username: ns+bob, password: BOB}
  lines: {server: "https://${registry.host}/lines", username: robot$carol, password: CAROL}
${serversOf(rig)}
deploy: {settle: 500ms, stop_timeout: 1s}
services:
${services.join('')}`
  }
  const forget = (server: Server) =>
    must(
      server,
      Object.values(names)
        .map(one => `${server.engine} rmi -f ${registry.host}/${one}/app:1 2>/dev/null;`)
        .concat(`${server.engine} rm -f $(${server.engine} ps -aq --filter label=jiji.project) 2>/dev/null; :`)
        .join(' '),
    )
  const held = async () =>
    (await Promise.all(rig.servers.map(server => Promise.all(forms.map(form => server.filesHolding(form)))))).flat(2)

  beforeAll(async () => {
    began = Date.now() - 1000 // a time on record has no milliseconds
    rig = await startRig({ servers: ['docker', 'podman'], name: 'names' })
    registry = await startRegistry({ address: rig.controller, tokens: { users }, trustedBy: rig.servers })
    home = await mkdtemp(join(tmpdir(), 'jiji-home-'))
    await pushAs(home, registry.host, 'admin', users.admin.password)
    project = await createProject({ '.jiji/deploy.yml': config(() => undefined) })
  })
  afterAll(async () => {
    await registry?.stop()
    await rig?.stop()
    await project?.remove()
    await rm(home, { recursive: true, force: true })
  })

  test('each image is pulled with its own, in one deploy', async () => {
    const watch = watchProcesses(forms)
    const { code, stdout, stderr } = await project.jijiWith(here(), 'deploy', '--version', 'v1', '-v')
    const { seen, looks } = watch.stop()
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(looks).toBeGreaterThan(20)
    expect(seen).toEqual([])
    for (const form of forms) expect(stdout + stderr).not.toContain(form)
    for (const [user, namespace] of Object.entries(names)) {
      const asked =
        registry.tokenLog().match(new RegExp(`^GET (?!admin ).* repository:${namespace}/app:pull$`, 'gm')) ?? []
      expect(asked.filter(line => !line.startsWith(`GET ${user} `))).toEqual([])
      expect(asked.length).toBeGreaterThan(1)
    }
    expect(await held()).toEqual([])
  })

  test('each is refused the images of the others', async () => {
    const swapped: Record<string, string> = { personal: 'company', company: 'lines', lines: 'personal' }
    await Promise.all(rig.servers.map(forget))
    for (const wrong of Object.keys(swapped)) {
      await project.write({ '.jiji/deploy.yml': config(one => (one === wrong ? swapped[one] : undefined)) })
      const skip = { ...here(), JIJI_SKIP_VERIFY: '1' }
      const { code, stderr } = await project.jijiWith(skip, 'deploy', '--version', 'v2', '-S', wrong)
      expect(stderr).toMatch(
        new RegExp(`${wrong}/app:1 could not be pulled.*(denied|unauthorized|authentication required)`),
      )
      expect(code).toBe(1)
    }
    await project.write({ '.jiji/deploy.yml': config(() => undefined) })
  })

  test.each(['docker', 'podman'])(
    'a build with %s begins with one namespace and is pushed to another',
    async engine => {
      const base = `${registry.host}/company/app:1`
      await execa(engine, ['rmi', '-f', base], { reject: false })
      await project.write({
        Dockerfile: `FROM ${base}\nLABEL made-by=${engine}\n`,
        '.jiji/deploy.build.yml': `builder:
  engine: ${engine}
  registry: {type: remote, server: "${registry.host}/built", username: dave, password: DAVE}
services:
  made: {build: {context: .}, hosts: [s1]}
`,
      })
      const watch = watchProcesses(forms)
      const words = ['build', '-e', 'build', '-S', 'made', '--version', engine, '-o', 'json']
      const { code, stdout, stderr } = await project.jijiWith({ ...here(), DAVE: passwords.DAVE }, ...words)
      expect(watch.stop().seen).toEqual([])
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
      expect(JSON.parse(stdout).images).toMatchObject([
        { name: `${registry.host}/built/shop-made:${engine}`, digest: expect.stringMatching(/^sha256:/) },
      ])
      await execa(engine, ['rmi', '-f', `${registry.host}/built/shop-made:${engine}`, base], { reject: false })
    },
  )

  test('login stores what the engine reads later: all of them with Podman, one with Docker', async () => {
    const watch = watchProcesses(forms)
    const { code, stdout, stderr } = await project.jijiWith(here(), 'registry', 'login', '-o', 'json')
    expect(watch.stop().seen).toEqual([])
    expect([code, stderr]).toEqual([0, ''])
    const rows: { registry: string; place: string; state: string }[] = JSON.parse(stdout).rows
    const short = rows.map(row => `${row.place} ${row.registry.split('/')[1]} ${row.state}`)
    expect(short).toEqual([
      ...['personal done', 'company skipped', 'lines skipped'].map(one => `here ${one}`),
      ...['personal done', 'company skipped', 'lines skipped'].map(one => `s1 ${one}`),
      ...['personal done', 'company done', 'lines done'].map(one => `s2 ${one}`),
    ])
    await Promise.all(rig.servers.map(forget))
    const [docker, podman] = rig.servers
    if (!docker || !podman) throw new Error('there are two servers')
    await must(docker, `docker pull -q ${registry.host}/personal/app:1`)
    expect((await docker.exec(`docker pull -q ${registry.host}/company/app:1`)).code).not.toBe(0)
    for (const one of Object.values(names)) await must(podman, `podman pull -q ${registry.host}/${one}/app:1`)
    expect(await must(podman, 'stat -c %a /root/.config/containers/auth.json')).toBe('600')
  })

  test('list says who is logged in where, and nothing of a secret', async () => {
    const { code, stdout } = await project.jijiWith(here(), 'registry', 'list', '-o', 'json')
    expect(code).toBe(0)
    for (const form of forms) expect(stdout).not.toContain(form)
    const { registries } = JSON.parse(stdout)
    const company = registries.find(({ name }: { name: string }) => name === 'company')
    expect(company).toMatchObject({
      registry: `${registry.host}/company`,
      username: 'ns+bob',
      auth: 'password',
      logins: [
        { place: 'here', state: 'held' },
        { place: 's1', state: 'held' },
        { place: 's2', state: 'held', username: 'ns+bob' },
      ],
    })
    expect(Date.parse(company.lastLogin.at)).toBeGreaterThan(began)
  })

  test('a second login takes the new secret', async () => {
    users.alice.password = passwords.ALICE = 'the-next-one-9Zq'
    const { code } = await project.jijiWith(here(), 'registry', 'login', 'personal', '-L')
    expect(code).toBe(0)
    for (const server of rig.servers) {
      await forget(server)
      await must(server, `${server.engine} pull -q ${registry.host}/personal/app:1`)
    }
  })

  test('logout leaves nothing, and the servers remember both', async () => {
    for (const state of ['done', 'already']) {
      const { code, stdout } = await project.jijiWith(here(), 'registry', 'logout', '-o', 'json')
      expect(code).toBe(0)
      const rows: { state: string }[] = JSON.parse(stdout).rows
      expect(new Set(rows.map(row => row.state).filter(one => one !== 'skipped'))).toEqual(new Set([state]))
    }
    expect(await held()).toEqual([])
    const { stdout } = await project.jijiWith(here(), 'audit', '-n', '50', '-o', 'json')
    const events = JSON.parse(stdout).entries.filter(({ action }: { action: string }) => action.startsWith('registry'))
    const on = (server: string) =>
      events
        .filter((one: { server: string }) => one.server === server)
        .map(
          (one: Record<string, string>) => `${one.action} ${one.registry?.split('/')[1]} ${one.username} ${one.result}`,
        )
    expect(on('s1')).toEqual([
      'registry login personal alice done',
      'registry login personal alice done',
      'registry logout personal alice done',
    ])
    expect(on('s2')).toHaveLength(7)
    for (const form of forms) expect(stdout).not.toContain(form)
  })

  test('a registry that is not declared: the whole of stdin is the password', async () => {
    const words = ['registry', 'login', `${registry.host}/lines`, '--username', 'robot$carol', '--password-stdin']
    const watch = watchProcesses(forms)
    const { code, stdout, stderr } = await project.jijiFed(`${passwords.CAROL}\n`, { HOME: home }, ...words)
    expect(watch.stop().seen).toEqual([])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/lines +here +done/)
    for (const server of rig.servers) {
      await forget(server)
      await must(server, `${server.engine} pull -q ${registry.host}/lines/app:1`)
    }
    expect((await project.jijiWith({ HOME: home }, 'registry', 'logout', `${registry.host}/lines`)).code).toBe(0)
    expect(await held()).toEqual([])
  })

  test('without a project, here: the password is asked on the terminal, without echo', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'jiji-nowhere-'))
    const words = `${registry.host} --skip-remote --username alice`
    const typed = (password: string) => {
      const child = execa('script', ['-qec', `${process.execPath} ${program} registry login ${words}`, '/dev/null'], {
        cwd: elsewhere,
        env: { HOME: home },
        reject: false,
      })
      // What comes before the question would be echoed by the terminal itself.
      child.stdout.once('data', () => child.stdin.write(`${password}\r`))
      return child
    }
    const wrong = await typed('not-the-password')
    expect(wrong.stdout).toContain('refused the login of alice')
    expect(wrong.exitCode).toBe(3)
    const right = await typed(passwords.ALICE)
    expect(right.stdout).toMatch(/Password for .*:\s+REGISTRY/)
    expect(right.stdout).not.toContain(passwords.ALICE)
    expect(right.exitCode).toBe(0)
    await rm(elsewhere, { recursive: true })
  })

  test.each<[string[], string]>([
    [['registry', 'login', 'ghcr.io', '--username', 'me'], 'there is no terminal to ask for the password on'],
    [['registry', 'login', '--username', 'me', '--password-stdin'], '--username logs in to one registry'],
    [['registry', 'login', '--password-stdin'], '--password-stdin needs --username'],
    [['registry', 'login', 'compani'], 'declares no registry docker.io/compani'],
  ])('%j is refused', async (words, message) => {
    const { code, stderr } = await project.jijiFed('', { HOME: home }, ...words)
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})

/** Puts the same image into each namespace. */
async function pushAs(home: string, host: string, user: string, password: string): Promise<void> {
  const auth = base64(`${user}:${password}`)
  await writeFile(join(home, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }))
  for (const namespace of Object.values(names)) {
    const name = `${host}/${namespace}/app:1`
    await execa('docker', ['tag', 'busybox:1', name])
    await execa('docker', ['--config', home, 'push', name])
    await execa('docker', ['rmi', name])
  }
  await rm(join(home, 'config.json'))
  if (existsSync(join(home, 'config.json'))) throw new Error('the login stays')
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
