import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Registry, startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'

const host = 'app.example.com'
const password = 'pa$$-W0rd+|\'"x9Qz'
const forms = [password, base64(password), base64(`bot:${password}`), encodeURIComponent(password)]

describeOnRig('a registry with a certificate of its own and a password', () => {
  let rig: Rig
  let registry: Registry
  let project: Project
  let home: string
  const here = () => ({ HOME: home, REGISTRY_TOKEN: password })
  const heldOn = async (name: string) => {
    const server = rig.servers.find(one => one.name === name)
    return (await Promise.all(forms.map(form => server?.filesHolding(form) ?? []))).flat()
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'registry', images: ['caddy:2'] })
    registry = await startRegistry({ address: rig.controller, users: { bot: password }, trustedBy: rig.servers })
    home = await mkdtemp(join(tmpdir(), 'jiji-home-'))
    project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: shop
builder:
  registry: {server: "${registry.host}", username: bot, password: REGISTRY_TOKEN}
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
    await registry?.stop()
    await rig?.stop()
    await project?.remove()
    await rm(home, { recursive: true, force: true })
  })

  test('deploy needs nothing but the variable: no login, no terminal, no --yes', async () => {
    const watch = watchProcesses(forms)
    const summary = join(home, 'summary.md')
    const runner = { GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '1', GITHUB_STEP_SUMMARY: summary }
    const words = ['deploy', '--version', 'v1', '-v', '--report', 'deploy.html']
    const { code, stderr, stdout } = await project.jijiWith({ ...here(), ...runner }, ...words)
    const { seen, looks } = watch.stop()
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(looks).toBeGreaterThan(20)
    expect(seen).toEqual([])
    // The one line that GitHub's runner takes for itself.
    const shown = `${stdout}\n${stderr}`.replace(/^::add-mask::.*\n/gm, '')
    const [page = '', below = ''] = [join(project.folder, 'deploy.html'), summary].map(file =>
      readFileSync(file, 'utf8'),
    )
    const [log = ''] = readdirSync(project.logsOf('shop'))
    const logged = readFileSync(join(project.logsOf('shop'), log), 'utf8')
    expect(logged).toMatch(
      / s1 #\d+ runs:\nssh -F \S+ s1 sh <<'EOF'\n[\s\S]*"\$REGISTRY_TOKEN"[\s\S]* s2 #\d+ \| pulled web\n/,
    )
    for (const text of [shown, page, below, logged]) for (const form of forms) expect(text).not.toContain(form)
    expect(stderr.match(/^::(end)?group::.*$/gm)?.slice(-2)).toEqual(['::group::Release', '::endgroup::'])
    for (const text of [page, below]) expect(text).toContain('deployed shop v1')
    for (const { name, address } of rig.servers) {
      expect(page).toContain(`<div class="place">${name} web</div>`)
      expect(below).toContain(`section ${name} web`)
      expect((await ask({ address, host })).body).toBe('one')
    }
  })

  test('after a deploy without login no file on a server holds the password', async () => {
    expect([await heldOn('s1'), await heldOn('s2')]).toEqual([[], []])
    expect(existsSync(join(home, '.docker/config.json'))).toBe(false)
  })

  test('a wrong password is exit 3, names the registry, and changes nothing', async () => {
    const wrong = { HOME: home, REGISTRY_TOKEN: 'not-the-password' }
    for (const words of [
      ['registry', 'login'],
      ['registry', 'login', '--skip-remote'],
      ['deploy', '--version', 'v2'],
    ]) {
      const { code, stderr } = await project.jijiWith(wrong, ...words)
      expect(stderr).toContain(`${registry.host} refused the login of bot`)
      expect(stderr).not.toContain('not-the-password')
      const log = /^the log of this run: (.*)$/m.exec(stderr)?.[1] ?? ''
      expect(stderr.trimEnd().endsWith(`the log of this run: ${log}`)).toBe(true)
      expect(readFileSync(log, 'utf8')).toContain(`${registry.host} refused the login of bot`)
      expect(readFileSync(log, 'utf8')).not.toContain('not-the-password')
      expect(code).toBe(3)
    }
    expect((await ask({ address: rig.servers[0]?.address ?? '', host })).body).toBe('one')
  })

  test('login --skip-remote stores it here and nowhere else', async () => {
    const watch = watchProcesses(forms)
    const { code, stdout } = await project.jijiWith(here(), 'registry', 'login', '--skip-remote', '-o', 'json')
    expect(watch.stop().seen).toEqual([])
    expect(code).toBe(0)
    expect(
      JSON.parse(stdout).rows.map(({ place, state }: { place: string; state: string }) => `${place} ${state}`),
    ).toEqual(['here done', 's1 skipped', 's2 skipped'])
    expect(readFileSync(join(home, '.docker/config.json'), 'utf8')).toContain(base64(`bot:${password}`))
    expect([await heldOn('s1'), await heldOn('s2')]).toEqual([[], []])
  })

  test('login stores it on every server, for its user alone, and logout takes it away', async () => {
    const watch = watchProcesses(forms)
    const { code } = await project.jijiWith(here(), 'registry', 'login')
    expect(watch.stop().seen).toEqual([])
    expect(code).toBe(0)
    for (const { name, exec } of rig.servers) {
      const held = await heldOn(name)
      expect(held).toHaveLength(1)
      const file = name === 's1' ? '.docker/config.json' : '.config/containers/auth.json'
      expect((await exec(`stat -c %a /root/${file}`)).stdout).toBe('600')
    }
    for (const state of ['done', 'already']) {
      const out = await project.jijiWith(here(), 'registry', 'logout', '-o', 'json')
      expect(out.code).toBe(0)
      const rows: { state: string }[] = JSON.parse(out.stdout).rows
      expect(rows.map(row => row.state)).toEqual([state, state, state])
    }
    expect([await heldOn('s1'), await heldOn('s2')]).toEqual([[], []])
  })

  test('both skips together leave nothing to do', async () => {
    const { code, stderr } = await project.jijiWith(here(), 'registry', 'login', '-L', '-R')
    expect(code).toBe(2)
    expect(stderr).toContain('nothing to do')
  })

  test('a registry that is not there is no wrong password', async () => {
    await project.write({
      '.jiji/deploy.nowhere.yml': `builder: {registry: {server: "${rig.controller}:1"}}\n`,
    })
    const { code, stderr } = await project.jijiWith(here(), 'registry', 'login', '-e', 'nowhere', '--skip-remote')
    expect(code).toBe(1)
    expect(stderr).toContain(`here: nothing listens at ${rig.controller}:1`)
  })
})

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
