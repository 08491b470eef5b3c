import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from '../shell/random.ts'
import { createProject, type Project } from './harness.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Registry, startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'

const program = fileURLToPath(new URL('../../dist/docker-credential-jiji.js', import.meta.url))
// Not that of other tests, which may run on this machine at the same time.
const password = `pa$$-W0rd+|'"${randomUUID()}`
const base64 = (text: string) => Buffer.from(text).toString('base64')
const forms = [password, base64(password), base64(`bot:${password}`), JSON.stringify(password).slice(1, -1)]

type Given = { cwd?: string; environment?: Record<string, string>; input?: string | Uint8Array }

describeOnRig('docker-credential-jiji', () => {
  let rig: Rig
  let registry: Registry
  let open: Registry
  let project: Project
  /** A home folder with a Docker configuration and an auth file that know nothing but the helper. */
  let home: string
  let elsewhere: string
  let image: string
  let openImage: string
  const config = () => join(home, '.docker/config.json')
  const auth = () => join(home, 'auth.json')

  async function run(words: string[], { cwd = project.folder, environment = {}, input }: Given = {}) {
    const [file = '', ...rest] = words
    const PATH = `${join(home, 'bin')}:${process.env.PATH}`
    const env = { PATH, HOME: home, DOCKER_CONFIG: join(home, '.docker'), ...environment }
    const stdin = input === undefined ? { stdin: 'ignore' as const } : { input }
    const done = await execa(file, rest, { cwd, env, extendEnv: false, reject: false, timeout: 60_000, ...stdin })
    return { code: done.exitCode ?? 128, stdout: done.stdout, stderr: done.stderr }
  }
  const ask = (verb: string, given: Given) => run([program, verb], given)

  beforeAll(async () => {
    rig = await startRig({ servers: ['none'], name: 'helper' })
    registry = await startRegistry({ address: rig.controller, users: { bot: password } })
    open = await startRegistry({ address: rig.controller })
    image = `${registry.host}/shop/app:1`
    openImage = `${open.host}/shop/app:1`
    home = await mkdtemp(join(tmpdir(), 'jiji-home-'))
    elsewhere = await mkdtemp(join(tmpdir(), 'jiji-elsewhere-'))
    const helpers = JSON.stringify({ credHelpers: { [registry.host]: 'jiji', [open.host]: 'jiji' } })
    await execa('mkdir', [join(home, 'bin'), join(home, '.docker')])
    await symlink(program, join(home, 'bin/docker-credential-jiji'))
    await Promise.all([writeFile(config(), helpers), writeFile(auth(), helpers)])
    const yaml = `project: shop
builder: {registry: {server: "${registry.host}", username: bot, password: REGISTRY_TOKEN}}
servers: {s1: {host: a.example.com}}
services: {web: {image: "${image}", hosts: [s1]}}
`
    project = await createProject({
      '.jiji/deploy.yml': yaml,
      '.env': `REGISTRY_TOKEN=\`${password}\`\n`,
      'bare/.jiji/deploy.yml': yaml,
      '.jiji/deploy.staging.yml':
        'builder: {registry: {password: \'$(echo ran >>ran.txt; printf %s "$STAGING_TOKEN")\'}}\n',
      layer: 'a file\n',
      Dockerfile: `FROM ${image}\nLABEL a=b\n`,
      'sub/folder/x': '',
    })
    await execa('sh', ['-c', `tar c layer | docker import - ${image} && docker tag ${image} ${openImage}`], {
      cwd: project.folder,
    })
  })
  afterAll(async () => {
    await execa('docker', ['rmi', '-f', image, openImage, `${image}-built`], { reject: false })
    await run(['podman', 'rmi', '-f', image, `${image}-podman`, openImage])
    await registry?.stop()
    await open?.stop()
    await rig?.stop()
    await project?.remove()
    for (const folder of [home, elsewhere]) await rm(folder, { recursive: true, force: true })
  })

  test('without it the registry lets nobody push or pull', async () => {
    await writeFile(join(elsewhere, 'auth.json'), '{}')
    const environment = { DOCKER_CONFIG: elsewhere }
    expect((await run(['docker', 'push', image], { environment })).stderr).toContain('no basic auth credentials')
    const { code } = await run(['podman', 'pull', '--authfile', join(elsewhere, 'auth.json'), image])
    expect(code).not.toBe(0)
  })

  const works: [string, () => string[]][] = [
    ['docker push', () => ['docker', 'push', image]],
    ['docker pull', () => ['docker', 'pull', image]],
    ['docker build', () => ['docker', 'build', '--pull', '-t', `${image}-built`, '.']],
    ['podman pull', () => ['podman', 'pull', '--authfile', auth(), image]],
    ['podman push', () => ['podman', 'push', '--authfile', auth(), image, `${image}-podman`]],
    ['skopeo inspect', () => ['skopeo', 'inspect', '--authfile', auth(), `docker://${image}`]],
    [
      'skopeo copy',
      () => ['skopeo', 'copy', '--authfile', auth(), `docker://${image}`, `docker://${registry.host}/shop/copy:1`],
    ],
  ]
  test.each(works)(
    '%s works with it, and no process shows the password in its words or environment',
    async (name, words) => {
      if (name === 'docker pull') await execa('docker', ['rmi', '-f', image])
      const watch = watchProcesses(forms)
      const { code, stdout, stderr } = await run(words(), {
        cwd: join(project.folder, name.includes('build') ? '' : 'sub'),
      })
      const { seen, looks } = watch.stop()
      expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
      expect(looks).toBeGreaterThan(3)
      expect(seen).toEqual([])
      for (const form of forms) expect(stdout + stderr).not.toContain(form)
    },
  )

  test('afterwards nothing is stored', async () => {
    const { stdout } = await execa(
      'grep',
      [
        ...['-rlF', '--exclude=.env', '--binary-files=text', '--devices=skip', ...forms.flatMap(form => ['-e', form])],
        ...[home, project.folder, elsewhere, '/root/.docker', '/root/.config', '/run/containers', '/run/user'],
      ],
      { reject: false },
    )
    expect(stdout).toBe('')
    expect(readFileSync(config(), 'utf8')).toBe(readFileSync(auth(), 'utf8'))
    expect(Object.keys(JSON.parse(readFileSync(config(), 'utf8')))).toEqual(['credHelpers'])
  })

  describe('the configuration', () => {
    const pull = (given: Given) => run(['docker', 'pull', image], given)

    test('is that of JIJI_CONFIG, from another folder', async () => {
      const JIJI_CONFIG = join(project.folder, '.jiji/deploy.yml')
      expect((await pull({ cwd: elsewhere, environment: { JIJI_CONFIG } })).code).toBe(0)
      const { code, stderr } = await pull({ cwd: elsewhere })
      expect([code, stderr.includes('no basic auth credentials')]).toEqual([1, true])
    })
    test('is laid over by that of JIJI_ENVIRONMENT, and a command runs once', async () => {
      const environment = { JIJI_ENVIRONMENT: 'staging', STAGING_TOKEN: password }
      expect((await pull({ environment })).code).toBe(0)
      expect(await readFile(join(project.folder, 'ran.txt'), 'utf8')).toBe('ran\n')
    })
    test('has its secrets in files only with JIJI_NO_HOST_ENV', async () => {
      const given = { input: registry.host, cwd: join(project.folder, 'bare') }
      const get = (environment: Record<string, string>) =>
        ask('get', { ...given, environment: { REGISTRY_TOKEN: password, ...environment } })
      for (const JIJI_NO_HOST_ENV of ['', '0', 'false']) expect((await get({ JIJI_NO_HOST_ENV })).code).toBe(0)
      const { stdout } = await get({ JIJI_NO_HOST_ENV: '1' })
      expect(stdout).toContain('the secret REGISTRY_TOKEN is not set')
      expect(stdout).toContain('searched: .env')
    })
    test('is not there: docker and podman go on without a login', async () => {
      await run(['docker', 'push', openImage], { cwd: elsewhere })
      await execa('docker', ['rmi', openImage])
      const docker = await run(['docker', 'pull', openImage], { cwd: elsewhere })
      expect([docker.code, docker.stderr]).toEqual([0, ''])
      const podman = await run(['podman', 'pull', '--authfile', auth(), openImage], { cwd: elsewhere })
      expect([podman.code, podman.code === 0 ? '' : podman.stderr]).toEqual([0, ''])
    })
    test('does not declare a registry: the same', async () => {
      expect((await run(['docker', 'pull', openImage])).code).toBe(0)
    })
    test.each<[string, string, Record<string, string>, string]>([
      ['lacks the secret', 'bare', {}, 'the secret REGISTRY_TOKEN is not set'],
      ['is not where it should be', '', { JIJI_CONFIG: '/nowhere/deploy.yml' }, 'there is no /nowhere/deploy.yml'],
      ['has no such environment', '', { JIJI_ENVIRONMENT: 'moon' }, 'there is no file for the environment moon'],
    ])('%s: all of them say so', async (_, folder, environment, text) => {
      for (const words of [
        ['docker', 'pull', image],
        ['podman', 'pull', '--authfile', auth(), image],
        ['skopeo', 'inspect', '--authfile', auth(), `docker://${image}`],
      ]) {
        const { code, stderr } = await run(words, { cwd: join(project.folder, folder), environment })
        expect(code).not.toBe(0)
        expect(stderr).toContain(text)
        expect(stderr).not.toMatch(/^\s+at /m)
      }
    })
  })

  describe('docker', () => {
    const logIn = (secret: string) =>
      run(['docker', 'login', '-u', 'bot', '--password-stdin', registry.host], { input: secret })

    test('logs in with what is declared, and out, and nothing is stored or lost', async () => {
      const before = await readFile(config(), 'utf8')
      expect((await logIn(password)).code).toBe(0)
      expect((await run(['docker', 'logout', registry.host])).code).toBe(0)
      expect((await run(['docker', 'pull', image])).code).toBe(0)
      expect(JSON.parse(await readFile(config(), 'utf8')).credHelpers).toEqual(JSON.parse(before).credHelpers)
      for (const form of forms) expect(await readFile(config(), 'utf8')).not.toContain(form)
    })
    test('is told where to declare what jiji does not store', async () => {
      const environment = { REGISTRY_TOKEN: 'another' }
      const words = ['docker', 'login', '-u', 'bot', '--password-stdin', registry.host]
      const { code, stderr } = await run(words, { input: password, environment })
      expect(code).not.toBe(0)
      expect(stderr).toContain(`${registry.host} is declared in ${project.folder}/.jiji/deploy.yml`)
      for (const form of forms) expect(stderr).not.toContain(form)
    })
  })

  test('a kubelet gets the login for an image', async () => {
    const request = { kind: 'CredentialProviderRequest', apiVersion: 'credentialprovider.kubelet.k8s.io/v1', image }
    const { code, stdout } = await ask('kubelet', { input: JSON.stringify(request) })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      kind: 'CredentialProviderResponse',
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      cacheKeyType: 'Registry',
      auth: { [registry.host]: { username: 'bot', password } },
    })
    expect((await ask('kubelet', { input: 'hello' })).stderr).toContain('expected a CredentialProviderRequest as JSON')
  })

  describe('whoever calls it gets an answer or an error, and no stack', () => {
    const sound = ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => {
      expect([0, 1]).toContain(code)
      expect(stdout + stderr).not.toMatch(/^\s+at |Error:|fault of jiji/m)
    }
    test.each([['version'], ['list'], ['--help'], ['erase'], ['nonsense'], ['__proto__'], [''], ['get', 'more']])(
      'verb %j %j',
      async (...words) => sound(await run([program, ...words])),
    )
    test('bytes by chance', async () => {
      const { next, pick, text } = random(3)
      for (let round = 0; round < 20; round++) {
        const bytes = Buffer.from(Array.from({ length: 40 }, () => Math.floor(next() * 256)))
        sound(await ask(pick(['get', 'store', 'erase', 'kubelet']), { input: pick([bytes, Buffer.from(text(9))]) }))
      }
    })
    test.each([
      ['stdin is closed', '<&-'],
      ['stdin is a folder', '</'],
      ['stdin has no end', '</dev/zero'],
      ['stdout is closed', '>&-'],
      ['stdout is full', '>/dev/full'],
      ['nobody reads', '| true'],
      ['stderr is closed too', '>&- 2>&-'],
    ])('%s', async (_, redirection) => {
      for (const verb of ['get', 'list']) {
        sound(await run(['sh', '-c', `echo ghcr.io | ${program} ${verb} ${redirection}`]))
      }
    })
    test('what cannot be written is no success', async () => {
      expect((await run(['sh', '-c', `${program} list >/dev/full`])).code).toBe(1)
    })
    test('in a folder that is there no more', async () => {
      const command = `mkdir gone; cd gone; rmdir ../gone; echo ghcr.io | ${program} get`
      const { code, stdout } = await run(['sh', '-c', command])
      expect([code, stdout]).toEqual([1, 'credentials not found in native keychain'])
    })
  })
})
