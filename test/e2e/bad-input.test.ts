import { readFileSync } from 'node:fs'
import { createServer, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { appFiles, createProject, type Project, program, type Result, serversOf } from './harness.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const valid = `project: shop
builder: {registry: {type: local}}
servers:
  web1: {host: 127.0.0.1}
services:
  web:
    image: busybox:1
    hosts: [web1]
`

describe('a configuration that is wrong', () => {
  let project: Project
  afterEach(() => project?.remove())

  const table: [name: string, files: Record<string, string>, words: string[], code: number, said: string[]][] = [
    ['no file', {}, ['deploy'], 2, ['there is no .jiji/deploy.yml', 'jiji init']],
    [
      'a missing environment file',
      { '.jiji/deploy.yml': valid },
      ['deploy', '-e', 'staging'],
      2,
      ['no file for the environment staging', 'deploy.staging.yml'],
    ],
    ['a syntax error', { '.jiji/deploy.yml': 'project: [shop\n' }, ['deploy'], 2, ['deploy.yml:2:1']],
    [
      'an unknown key',
      { '.jiji/deploy.yml': valid.replace('hosts:', 'hostss:') },
      ['deploy'],
      2,
      ['deploy.yml:8:5', 'unknown key hostss', 'did you mean hosts?'],
    ],
    [
      'a wrong type',
      { '.jiji/deploy.yml': valid.replace('[web1]', 'web1') },
      ['deploy'],
      2,
      ['deploy.yml:8:12', 'expected a list, got "web1"'],
    ],
    [
      'an unknown server',
      { '.jiji/deploy.yml': valid.replace('[web1]', '[wbe1]') },
      ['deploy'],
      2,
      ['there is no server wbe1', 'did you mean web1?'],
    ],
    [
      'a name twice',
      { '.jiji/deploy.yml': `${valid}  web: {image: "busybox:1", hosts: [web1]}\n` },
      ['deploy'],
      2,
      ['deploy.yml:9:3', 'web stands here a second time'],
    ],
    [
      'a missing secret',
      { '.jiji/deploy.yml': `${valid}    environment: {secrets: [ONE, OTHER]}\n` },
      ['deploy'],
      2,
      ['the secret ONE is not set', 'the secret OTHER is not set', 'searched: the environment, .env'],
    ],
    [
      'a registry without a user name',
      {
        '.jiji/deploy.yml': valid
          .replace('type: local', 'server: ghcr.io')
          .replace('image: busybox:1', 'build: {context: .}'),
        Dockerfile: 'FROM scratch',
      },
      ['deploy'],
      2,
      ['GHCR requires username to be configured'],
    ],
    [
      'no server that matches',
      { '.jiji/deploy.yml': valid },
      ['deploy', '-H', 'wbe1'],
      2,
      ['no server matches wbe1', 'did you mean web1?'],
    ],
    ['an unknown command', {}, ['depoly'], 2, ['did you mean jiji deploy?']],
    [
      'an option of another command',
      { '.jiji/deploy.yml': valid },
      ['status', '--dry-run'],
      2,
      ['jiji status knows no option --dry-run'],
    ],
    ['a format that does not exist', { '.jiji/deploy.yml': valid }, ['status', '-o', 'yaml'], 2, ['table or json']],
  ]
  for (const [name, files, words, code, said] of table) {
    test(`${name}: exit ${code}`, async () => {
      project = await createProject(files)
      const result = await project.jiji(...words)
      for (const text of said) expect(result.stderr).toContain(text)
      expect(result.stderr).not.toContain('fault of jiji')
      expect(result.code).toBe(code)
    })
  }

  test('validate -o json lists the problems, sorted by position', async () => {
    project = await createProject({ '.jiji/deploy.yml': valid.replace('host:', 'hst:').replace('image:', 'imgae:') })
    const { code, stdout } = await project.jiji('validate', '-o', 'json')
    const { schemaVersion, problems } = JSON.parse(stdout)
    expect(code).toBe(2)
    expect(schemaVersion).toBe(1)
    expect(problems[0]).toEqual({
      file: join(project.folder, '.jiji/deploy.yml'),
      line: 4,
      column: 10,
      path: 'servers.web1.hst',
      code: 'unknown-key',
      message: 'unknown key hst',
      hint: 'did you mean host?',
    })
    expect(problems.map(({ path }: { path: string }) => path)).toContain('services.web.imgae')
  })

  test('a reader that has had enough is no fault', async () => {
    project = await createProject({ '.jiji/deploy.yml': valid })
    const line = `${process.execPath} ${program} validate | true; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = await execa('bash', ['-c', line], { cwd: project.folder })
    expect(stderr).not.toContain('EPIPE')
    expect(stdout).toMatch(/^(0|130)$/)
  })

  test('init writes a valid file once', async () => {
    project = await createProject({ Dockerfile: 'FROM scratch' })
    expect((await project.jiji('init')).code).toBe(0)
    expect(await project.jiji('validate')).toMatchObject({ code: 0 })
    expect(await project.jiji('init')).toMatchObject({ code: 2 })
  })
})

describeOnRig('a server that does not do what it should', () => {
  let rig: Rig
  let project: Project
  const listeners: TcpServer[] = []

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'none'], name: 'bad', images: ['caddy:2', 'busybox:1'] })
    project = await createProject(appFiles('one'))
  })
  afterAll(async () => {
    for (const listener of listeners) listener.close()
    await rig?.stop()
    await project?.remove()
  })

  const service = `services:
  web:
    build: {context: .}
    hosts: [web1]
    proxy: {app_port: 3000, hosts: [app.example.com]}
`
  const deploy = async (
    server: string,
    ssh = `{config: ${rig.sshConfigFile}}`,
    rest = service,
  ): Promise<Result & { seconds: number }> => {
    await project.write({ '.jiji/deploy.yml': `project: shop\nssh: ${ssh}\nservers:\n  web1: ${server}\n${rest}` })
    const began = Date.now()
    const result = await project.jiji('deploy', '--version', 'v1')
    expect(result.stderr).not.toContain('fault of jiji')
    return { ...result, seconds: (Date.now() - began) / 1000 }
  }

  test('refuses the connection: exit 4 at once', async () => {
    const { code, stderr, seconds } = await deploy(`{host: ${rig.servers[0]?.address}, port: 9}`)
    expect(stderr).toMatch(/web1.*refused/)
    expect(code).toBe(4)
    expect(seconds).toBeLessThan(8)
  })

  test('drops packets: exit 4, and the stage is named', async () => {
    const [first] = rig.servers
    await first?.link('down')
    const { code, stderr, seconds } = await deploy('{host: s1}')
    await first?.link('up')
    expect(stderr).toContain('web1')
    expect(code).toBe(4)
    expect(seconds).toBeLessThan(25)
  })

  test('hangs before its banner: exit 4 after 10 s, and the stage is named', async () => {
    const silent = createServer(() => {})
    listeners.push(silent)
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const { code, stderr, seconds } = await deploy(`{host: 127.0.0.1, port: ${port}}`)
    silent.close()
    expect(stderr).toMatch(/web1.*banner in 10 s/)
    expect(code).toBe(4)
    expect(seconds).toBeGreaterThan(9)
  })

  test('has another host key than before: exit 4, both fingerprints and the line', async () => {
    const known = readFileSync(rig.knownHosts, 'utf8').split('\n')
    const [first, second] = known.filter(line => line.includes(' ssh-'))
    const swapped = `${first?.split(' ')[0]} ${second?.split(' ').slice(1).join(' ')}\n`
    const config = readFileSync(rig.sshConfigFile, 'utf8').replace(rig.knownHosts, join(project.folder, 'known_hosts'))
    await project.write({ known_hosts: swapped, ssh_config: config })
    const { code, stderr } = await deploy('{host: s1}', '{config: ssh_config}')
    expect(stderr.match(/SHA256:/g)?.length).toBeGreaterThanOrEqual(2)
    expect(stderr).toContain('known_hosts:1')
    expect(code).toBe(4)
  })

  test('refuses the key: exit 4, and the user is named', async () => {
    const { code, stderr } = await deploy('{host: s1, user: nobody}')
    expect(stderr).toContain('nobody')
    expect(code).toBe(4)
  })

  test('has no engine: exit 1, and says which', async () => {
    const { code, stderr } = await deploy('{host: s2}')
    // A server's root lies over this machine's, whose docker client is seen there: then no daemon answers.
    expect(stderr).toMatch(/web1: docker (is not installed|does not answer)/)
    expect(code).toBe(1)
  })

  test('does not let the user use the engine: exit 1, and how to mend it', async () => {
    const [server] = rig.servers
    if (!server) return
    await must(
      server,
      'useradd -m -s /bin/sh dora && mkdir -p /home/dora/.ssh && cp /root/.ssh/authorized_keys /home/dora/.ssh/ && chown -R dora: /home/dora/.ssh && usermod -p "*" dora',
    )
    const { code, stderr } = await deploy('{host: s1, user: dora}')
    expect(stderr).toContain('web1: this user may not use docker')
    expect(stderr).toContain('usermod -aG docker')
    expect(code).toBe(1)
  })

  test('has the port in use: exit 1, the server is named, and no proxy is left behind', async () => {
    const [server] = rig.servers
    if (!server) return
    await must(server, 'docker run -d --name taken -p 80:80 busybox:1 sleep 1000')
    const { code, stderr } = await deploy('{host: s1}')
    await must(server, 'docker rm -f taken')
    expect(stderr).toMatch(/web1: the proxy could not be started: .*80/)
    expect(code).toBe(1)
    expect(await must(server, 'docker ps -aq')).toBe('')
  })

  test('a build that fails: exit 1, its last lines, and nothing has changed', async () => {
    await project.write({ 'broken/Dockerfile': 'FROM busybox:1\nRUN echo the tests fail && false\n' })
    const { code, stderr } = await deploy('{host: s1}', undefined, service.replace('context: .', 'context: broken'))
    expect(stderr).toContain('the tests fail')
    expect(stderr).toContain('web: the build failed')
    expect(code).toBe(1)
    expect(serversOf(rig)).toContain('s1')
  })

  test('an image that does not exist: exit 1, its name', async () => {
    const image = service.replace('build: {context: .}', 'image: 127.0.0.1:1/nothing:1')
    const { code, stderr } = await deploy('{host: s1}', undefined, image)
    expect(stderr).toContain('127.0.0.1:1/nothing:1 could not be pulled')
    expect(code).toBe(1)
  })
})
