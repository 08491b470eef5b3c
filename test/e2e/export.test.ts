import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { execa, type Options } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { createProject, type Project, program } from './harness.ts'
import { watchProcesses } from './processes.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Registry, startRegistry } from './rig/registry.ts'

const password = 'pa$$-W0rd+|\'"e7Xp #${a} %{b}\\'
const service = 'services: {web: {image: redis, hosts: [here]}}\nservers: {here: {host: local}}\n'
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const base64 = (text: string) => Buffer.from(text).toString('base64')
const forms = [password, base64(password), base64(`bot:${password}`), encodeURIComponent(password)]

/** A test that needs a program which a machine may lack. */
function testWith(name: string, title: string, body: () => Promise<void>): void {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const isThere = folders.some(folder => existsSync(join(folder, name)))
  if (isThere) test(title, body)
  else test.skip(`${title} (skipped: needs ${name}, which this machine has not)`, body)
}

/** Runs a program to its end, whatever that is. */
async function run(name: string, words: string[], options: Options = {}) {
  const { exitCode, stdout, stderr } = await execa(name, words, { reject: false, ...options })
  return { code: exitCode ?? 128, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') }
}

async function must(name: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(name, words)
  if (code !== 0) throw new Error(`${name} ${words.slice(0, 3).join(' ')}: ${stderr || stdout}`)
  return stdout
}

describeOnRig('an export is read by what it is for', () => {
  let basic: Registry
  let tokens: Registry
  let project: Project
  const at = (...parts: string[]) => join(project.folder, ...parts)
  const exported = async (format: string, path: string, ...words: string[]) => {
    const { code, stderr } = await project.jiji('registry', 'export', format, '--to', at(path), ...words)
    expect([code, stderr.replace(/^warning: .*$/gm, '').trim()]).toEqual([0, ''])
    return at(path)
  }

  beforeAll(async () => {
    const address = '127.0.0.1'
    basic = await startRegistry({ address, users: { bot: password } })
    const users = {
      ann: { password: 'ann-secret', grants: { 'personal/': ['pull', 'push'] } },
      bob: { password: 'bob-secret', grants: { 'company/': ['pull', 'push'] } },
    }
    tokens = await startRegistry({ address, tokens: { users } })
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {server: "${basic.host}", username: bot, password: BASIC}}
registries:
  ann: {server: "${tokens.host}/personal", username: ann, password: ANN}
  bob: {server: "${tokens.host}/company", username: bob, password: BOB}
${service}`,
      '.env': `BASIC=\`${password}\`\nANN=ann-secret\nBOB=bob-secret\n`,
    })
    await push(`${basic.host}/app:1`, 'basic', 'builder.registry')
    await push(`${tokens.host}/personal/app:1`, 'push-ann', 'ann')
    await push(`${tokens.host}/company/app:1`, 'push-bob', 'bob')
  })
  afterAll(async () => {
    for (const image of [`${basic?.host}/app:1`, `${tokens?.host}/personal/app:1`, `${tokens?.host}/company/app:1`])
      await run('docker', ['rmi', image])
    await project?.remove()
    await tokens?.stop()
    await basic?.stop()
  })

  /** By an export of its own, so that setting up is a test already. */
  async function push(image: string, folder: string, registry: string): Promise<void> {
    await exported('docker-config', `${folder}/config.json`, registry)
    await must('docker', 'tag', 'busybox:1', image)
    await must('docker', '--config', at(folder), 'push', image)
    await must('docker', 'rmi', image)
  }

  test('docker pulls with docker-config, and without it is refused', async () => {
    const image = `${basic.host}/app:1`
    const file = await exported('docker-config', 'docker/config.json')
    expect([modeOf(file), modeOf(at('docker'))]).toEqual(['600', '700'])
    mkdirSync(at('empty'))
    expect((await run('docker', ['--config', at('empty'), 'pull', image])).code).toBe(1)
    expect(await must('docker', '--config', at('docker'), 'pull', image)).toContain(image)
  })

  test('docker keeps one login of a host: the first, and the other is named', async () => {
    const { stderr } = await project.jiji('registry', 'export', 'docker-config', '--to', at('one/config.json'))
    expect(stderr).toBe(
      `warning: bob (${tokens.host}/company) is left out: this format holds one login for ${tokens.host}, and that is ann`,
    )
    await must('docker', '--config', at('one'), 'pull', `${tokens.host}/personal/app:1`)
    const { code } = await run('docker', ['--config', at('one'), 'pull', `${tokens.host}/company/app:1`])
    expect(code).toBe(1)
  })

  test('podman pulls from both namespaces with podman-auth', async () => {
    const file = await exported('podman-auth', 'auth.json')
    expect(modeOf(file)).toBe('600')
    const own = ['--root', at('podman'), '--runroot', at('podman-run'), '--storage-driver', 'vfs']
    const pull = (image: string, authFile: string) =>
      run('podman', [...own, 'pull', '-q', '--authfile', authFile, image])
    for (const image of [`${basic.host}/app:1`, `${tokens.host}/personal/app:1`, `${tokens.host}/company/app:1`])
      expect(await pull(image, file)).toMatchObject({ code: 0 })
    // The other one's login does not do.
    const swapped = readFileSync(file, 'utf8').replace('/personal', '/x').replace('/company', '/personal')
    writeFileSync(at('swapped.json'), swapped)
    expect((await pull(`${tokens.host}/personal/app:1`, at('swapped.json'))).code).not.toBe(0)
    await run('podman', [...own, 'unshare', 'rm', '-rf', at('podman')])
  })

  testWith('skopeo', 'skopeo inspects with podman-auth', async () => {
    const file = await exported('podman-auth', 'auth.json')
    for (const image of [`${basic.host}/app`, `${tokens.host}/company/app`]) {
      const inspected = await must('skopeo', 'inspect', '--authfile', file, `docker://${image}:1`)
      expect(JSON.parse(inspected)).toMatchObject({ Name: image })
    }
  })

  testWith('tar', 'tar lists what mesos unpacks, with its modes, and docker pulls with it', async () => {
    const [first, again] = [await exported('mesos', 'a.tar.gz'), await exported('mesos', 'b.tar.gz')]
    expect(readFileSync(again).equals(readFileSync(first))).toBe(true)
    expect(
      (await must('tar', '--utc', '--full-time', '-tzvf', first)).split('\n').map(line => line.replace(/ +/g, ' ')),
    ).toEqual([
      'drwx------ root/root 0 1970-01-01 00:00:00 .docker/',
      expect.stringMatching(/^-rw------- root\/root \d+ 1970-01-01 00:00:00 \.docker\/config\.json$/),
    ])
    mkdirSync(at('sandbox'))
    await must('tar', '-xzf', first, '-C', at('sandbox'))
    await must('docker', '--config', at('sandbox/.docker'), 'pull', `${basic.host}/app:1`)
  })

  testWith('kubectl', 'kubectl reads the secret and the service account', async () => {
    for (const [format, key] of [
      ['kubernetes', '.dockerconfigjson'],
      ['kubernetes-legacy', '.dockercfg'],
    ] as const) {
      const file = await exported(format, `${format}.yaml`, '--namespace', 'web', '--service-account', 'default')
      // kubectl's own types, without a cluster.
      const local = ['annotate', '--local', '-o', 'json', '-f', file, 'read=yes']
      const text = await must('kubectl', '--kubeconfig=/dev/null', ...local)
      const [secret, account] = parseAllDocuments(text.replaceAll('\n}\n{', '\n}\n---\n{')).map(one => one.toJS())
      expect(secret).toMatchObject({
        kind: 'Secret',
        metadata: { name: 'shop-registries', namespace: 'web', annotations: { read: 'yes' } },
        type: `kubernetes.io/${key.slice(1)}`,
      })
      expect(account).toMatchObject({
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: 'web' },
        imagePullSecrets: [{ name: 'shop-registries' }],
      })
      const content = JSON.parse(Buffer.from(secret.data[key], 'base64').toString())
      const auths = content.auths ?? content
      expect(auths[basic.host].auth).toBe(base64(`bot:${password}`))
      expect(Object.keys(auths)).toHaveLength(3)
    }
  })

  testWith('containerd', 'containerd reads its tables', async () => {
    const file = await exported('containerd', 'registries.toml')
    const dump = await must('containerd', '--config', file, 'config', 'dump')
    const table = dump
      .slice(dump.indexOf(`registry.configs."${basic.host}".auth]`))
      .split('\n')
      .slice(0, 5)
    expect(table.map(line => line.trim())).toEqual(
      expect.arrayContaining(['username = "bot"', `password = ${JSON.stringify(password)}`]),
    )
  })

  test('rkt has a folder with a file for each registry', async () => {
    const folder = await exported('rkt', 'auth.d')
    expect(readdirSync(folder).toSorted()).toEqual([`${basic.host}.json`, `${tokens.host}.json`].toSorted())
    expect(modeOf(join(folder, `${basic.host}.json`))).toBe('600')
    const { code, stderr } = await project.jiji('registry', 'export', 'rkt')
    expect([code, stderr]).toEqual([2, expect.stringContaining('name a folder for them with --to')])
  })

  test('butane has the hash of what docker-config writes', async () => {
    const config = await exported('docker-config', 'remote.json')
    const source = 'https://config.example.com/remote.json'
    const file = await exported('butane', 'remote.bu', '--source', source)
    const sum = (await must('sha512sum', config)).split(' ')[0]
    expect(readFileSync(file, 'utf8')).toContain(`hash: sha512-${sum}\n`)
  })
})

describe('an export', () => {
  let project: Project
  beforeAll(async () => {
    project = await createProject({
      '.jiji/deploy.yml': `project: shop
registries:
  a: {server: a.invalid, username: bot, password: SECRET}
  b: {server: b.invalid, username: bot, password: OTHER}
  c: {server: c.invalid, username: bot, password: NOT_THERE}
${service}`,
      '.env': `SECRET=\`${password}\`\nOTHER=other\n`,
    })
  })
  afterAll(() => project?.remove())
  const at = (path: string) => join(project.folder, path)

  test('looks up only the secrets that it needs', async () => {
    for (const words of [['docker-config', 'a'], ['podman-auth', 'b.invalid', 'a'], ['github-actions'], ['kubelet']])
      expect((await project.jiji('registry', 'export', ...words)).code).toBe(0)
    const { code, stderr } = await project.jiji('registry', 'export', 'docker-config')
    expect([code, stderr]).toEqual([2, expect.stringContaining('the secret NOT_THERE is not set')])
  })
  test('to a pipe is the secrets as they are, and nothing else shows them', async () => {
    const watch = watchProcesses(forms)
    const { stdout, stderr } = await project.jiji('registry', 'export', 'docker-config', 'a', '-v')
    expect(watch.stop().seen).toEqual([])
    expect(JSON.parse(stdout).auths['a.invalid'].auth).toBe(base64(`bot:${password}`))
    for (const form of forms) expect(stderr).not.toContain(form)
  })
  test('is the same bytes each time', async () => {
    for (const path of ['x1', 'x2']) await project.jiji('registry', 'export', 'kubernetes', 'a', 'b', '--to', at(path))
    expect(readFileSync(at('x1'), 'utf8')).toBe(readFileSync(at('x2'), 'utf8'))
  })
  test('of a registry that is not declared names the nearest', async () => {
    const { code, stderr } = await project.jiji('registry', 'export', 'docker-config', 'a.invald')
    expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean a.invalid?')])
  })
  test('of a token that expires says so', async () => {
    await project.write({
      '.jiji/deploy.yml': `project: shop
registries: {ecr: {server: 123456789012.dkr.ecr.eu-west-1.amazonaws.com, auth: aws-ecr}}
${service}`,
      'bin/aws': '#!/bin/sh\necho token-of-aws\n',
    })
    await execa('chmod', ['+x', at('bin/aws')])
    const environment = { PATH: `${at('bin')}:${process.env.PATH}` }
    const { stdout, stderr } = await project.jijiWith(environment, 'registry', 'export', 'docker-config')
    expect(stdout).toContain(base64('AWS:token-of-aws'))
    expect(stderr).toContain('this copy of its token is good for 12 h at most')
    expect((await project.jijiWith(environment, 'registry', 'export', 'kubelet')).stderr).toBe('')
  })
})

describe('a terminal', () => {
  let project: Project
  beforeAll(async () => {
    project = await createProject({
      '.jiji/deploy.yml': `project: shop\nregistries: {a: {server: a.b, username: me, password: SECRET}}\n${service}`,
      '.env': 'SECRET=hunter2\n',
    })
  })
  afterAll(() => project?.remove())
  const onTerminal = (words: string) =>
    run('script', ['-qec', `${process.execPath} ${program} ${words}`, '/dev/null'], { cwd: project.folder })

  testWith('script', 'is shown no secret without --reveal', async () => {
    const refused = await onTerminal('registry export docker-config')
    expect(refused).toMatchObject({ code: 2, stdout: expect.stringMatching(/--to.*--reveal/) })
    const shown = await onTerminal('registry export docker-config --reveal')
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining(base64('me:hunter2')) })
  })
  testWith('script', 'is shown formats without secrets, and never an archive', async () => {
    expect(await onTerminal('registry export github-actions')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('${{ secrets.SECRET }}'),
    })
    for (const words of ['mesos', 'mesos --reveal'])
      expect(await onTerminal(`registry export ${words}`)).toMatchObject({
        code: 2,
        stdout: expect.stringContaining('no text for a terminal'),
      })
  })
})

describe('git', () => {
  let project: Project
  beforeAll(async () => {
    project = await createProject({
      '.jiji/deploy.yml': `project: shop\nregistries: {a: {server: a.b, username: me, password: SECRET}}\n${service}`,
      '.env': 'SECRET=hunter2\n',
      '.gitignore': 'ignored/\n',
      'logins.json': JSON.stringify({ auths: { 'c.d': { auth: base64('me:other') } } }),
    })
    await execa('git', ['init', '-q'], { cwd: project.folder })
  })
  afterAll(() => project?.remove())
  const at = (path: string) => join(project.folder, path)
  const exportTo = (path: string, ...words: string[]) =>
    project.jiji('registry', 'export', 'docker-config', '--to', at(path), ...words)

  test('is not given secrets to commit, unless that is forced', async () => {
    const { code, stderr } = await exportTo('new/config.json')
    expect(code).toBe(2)
    expect(stderr).toContain('git would commit')
    expect(stderr).toContain('add the line /new/config.json to')
    expect(existsSync(at('new'))).toBe(false)
    expect((await exportTo('new/config.json', '--force')).code).toBe(0)
    expect((await exportTo('ignored/config.json')).code).toBe(0)
    expect((await project.jiji('registry', 'export', 'github-actions', '--to', at('workflow.yml'))).code).toBe(0)
  })
  test('nor a .env by import', async () => {
    const before = readFileSync(at('.jiji/deploy.yml'), 'utf8')
    const { code, stderr } = await project.jiji('registry', 'import', 'logins.json')
    expect([code, stderr]).toEqual([2, expect.stringContaining('add the line /.env to')])
    expect(readFileSync(at('.jiji/deploy.yml'), 'utf8')).toBe(before)
    expect((await project.jiji('registry', 'import', 'logins.json', '--force')).code).toBe(0)
    expect(readFileSync(at('.env'), 'utf8')).toBe('SECRET=hunter2\nC_D_PASSWORD=other\n')
  })
  test('and a symbolic link is not followed', async () => {
    writeFileSync(at('ignored/real'), 'mine')
    symlinkSync(at('ignored/real'), at('ignored/link'))
    expect((await exportTo('ignored/link')).stderr).toContain('is a symbolic link')
    expect(readFileSync(at('ignored/real'), 'utf8')).toBe('mine')
  })
})

describe('export, import and export again', () => {
  const declared = `project: shop
# Who may pull.
registries:
  hub: {server: docker.io, username: hub$user, password: HUB}   # of the team
  owner: {server: ghcr.io/owner, username: ns+robot, password: OWNER}
  all: {server: ghcr.io, username: $oauthtoken, password: ALL}
  own: {server: "registry.example.com:5000", username: pässwörd, password: OWN}
${service}`
  const secrets = `HUB='it"s $x \`y\`'\nOWNER="it's #1"\nALL='{"type": "x",\n "key": "a\\nb"}\n'\nOWN=plain\n`
  const empty = `# A project.\nproject: shop   # as the other\n${service}# the end\n`

  test.each(['docker-config', 'podman-auth', 'kubernetes', 'kubernetes-legacy'])(
    '%s give the same file',
    async format => {
      const [from, to] = await Promise.all([
        createProject({ '.jiji/deploy.yml': declared, '.env': secrets }),
        createProject({ '.jiji/deploy.yml': empty }),
      ])
      try {
        const [first, second] = [join(from.folder, 'out'), join(to.folder, 'out')]
        expect((await from.jiji('registry', 'export', format, '--to', first)).code).toBe(0)
        const { code, stdout, stderr } = await to.jiji('registry', 'import', first, '-o', 'json')
        expect([code, stderr]).toEqual([0, ''])
        expect(JSON.parse(stdout).rows.every(({ state }: { state: string }) => state === 'done')).toBe(true)
        expect(modeOf(join(to.folder, '.env'))).toBe('600')
        expect(readFileSync(join(to.folder, '.jiji/deploy.yml'), 'utf8').startsWith(empty)).toBe(true)
        expect((await to.jiji('registry', 'export', format, '--to', second)).code).toBe(0)
        expect(readFileSync(second, 'utf8')).toBe(readFileSync(first, 'utf8'))
        const before = ['.env', '.jiji/deploy.yml'].map(name => readFileSync(join(to.folder, name), 'utf8'))
        const again = await to.jiji('registry', 'import', first, '-o', 'json')
        expect(JSON.parse(again.stdout).rows.every(({ state }: { state: string }) => state === 'already')).toBe(true)
        expect(['.env', '.jiji/deploy.yml'].map(name => readFileSync(join(to.folder, name), 'utf8'))).toEqual(before)
        expect(readdirSync(to.folder).toSorted()).toEqual(['.env', '.jiji', 'out'])
      } finally {
        await from.remove()
        await to.remove()
      }
    },
  )

  testWith('kubectl', 'also what kubectl itself has made, from a pipe', async () => {
    const project = await createProject({ '.jiji/deploy.yml': empty })
    try {
      const words = ['create', 'secret', 'docker-registry', 'pull', '--dry-run=client', '-o', 'yaml']
      const login = ['--docker-server=ghcr.io', '--docker-username=me', "--docker-password=passphrases are 'great'!"]
      const made = await must('kubectl', '--kubeconfig=/dev/null', ...words, ...login)
      const { code, stdout } = await run(process.execPath, [program, 'registry', 'import', '-'], {
        cwd: project.folder,
        input: made,
      })
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^ghcr\.io +ghcr-io +GHCR_IO_PASSWORD +done$/m)])
      expect(readFileSync(join(project.folder, '.env'), 'utf8')).toBe(`GHCR_IO_PASSWORD="passphrases are 'great'!"\n`)
    } finally {
      await project.remove()
    }
  })
})

describe('an import', () => {
  test('leaves everything as it was when the configuration could not be read afterwards', async () => {
    const project = await createProject({
      '.jiji/deploy.yml': `project: shop\nx-r: &r {a: {server: a.b, username: me, password: A}}\nregistries: *r\n${service}`,
      'logins.json': JSON.stringify({ auths: { 'c.d': { auth: base64('me:other') } } }),
    })
    const { code, stderr } = await project.jiji('registry', 'import', 'logins.json')
    expect([code, stderr]).toEqual([2, expect.stringContaining('write them by hand')])
    expect(readdirSync(project.folder).toSorted()).toEqual(['.jiji', 'logins.json'])
    await project.remove()
  })
  test('keeps the mode of a .env, but lets nobody else write it', async () => {
    const project = await createProject({
      '.jiji/deploy.yml': `project: shop\n${service}`,
      '.env': '# mine\nA=1',
      'logins.json': JSON.stringify({ auths: { 'c.d': { auth: base64('me:s3cr3t') } } }),
    })
    await execa('chmod', ['666', join(project.folder, '.env')])
    const { code, stderr } = await project.jiji('registry', 'import', 'logins.json')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/others on this machine can read .*\.env: chmod 600/)])
    expect(modeOf(join(project.folder, '.env'))).toBe('644')
    expect(readFileSync(join(project.folder, '.env'), 'utf8')).toBe('# mine\nA=1\nC_D_PASSWORD=s3cr3t\n')
    await project.remove()
  })
  test('says what it skipped, and fails when that was all', async () => {
    const project = await createProject({
      '.jiji/deploy.yml': `project: shop\n${service}`,
      'logins.json': '{"credsStore": "desktop", "auths": {"a.b": {}}, "credHelpers": {"c.d": "gcloud"}}',
    })
    const { code, stdout } = await project.jiji('registry', 'import', 'logins.json')
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining('skipped: its login is in the credential store desktop'),
    ])
    expect(existsSync(join(project.folder, '.env'))).toBe(false)
    await project.remove()
  })
})
