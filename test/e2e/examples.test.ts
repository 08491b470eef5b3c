import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { action, runAction } from './action.ts'
import { appFiles, createProject, type Project, program } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
// What the bundle leaves outside.
const external = ['ssh2', 'asn1', 'bcrypt-pbkdf', 'safer-buffer', 'tweetnacl'].map(name => `node_modules/${name}`)
const examples = readdirSync(join(root, 'examples')).filter(name => existsSync(join(root, 'examples', name, '.jiji')))

describeOnRig('what people begin with', () => {
  let rig: Rig
  let server: Server
  let project: Project

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker'], name: 'examples', images: ['caddy:2', 'registry:2', 'node:20-slim'] })
    server = rig.servers[0] as Server
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test('what init writes deploys, once it names a server', async () => {
    project = await createProject(appFiles('one'))
    expect((await project.jiji('init')).code).toBe(0)
    await project.write({
      '.jiji/deploy.test.yml': `ssh: {config: ${rig.sshConfigFile}}\nservers: {web1: {host: s1}}\n`,
    })
    const { code, stderr } = await project.jiji('deploy', '-e', 'test', '--version', 'v1')
    expect(stderr).not.toContain('error:')
    expect(code).toBe(0)
    expect((await ask({ address: server.address, host: 'app.example.com' })).body).toBe('one')
  })

  test('the action deploys it, with a key in an agent and a known host', async () => {
    const { workspace, environment } = await jobOf(project)
    const config = `ssh: {config: ${join(workspace, 'ssh_config')}}\nservers: {web1: {host: s1}}\n`
    await project.write({
      '.jiji/deploy.test.yml': config,
      // As on a runner, ssh knows of no key but the agent's, and of no host but those of its own file.
      ssh_config: `Host s1\n  HostName ${server.address}\n  User root\n  UserKnownHostsFile ${environment.HOME}/.ssh/known_hosts\n`,
    })
    const inputs = {
      command: 'deploy -e test --version v2',
      'ssh-key': readFileSync(rig.key, 'utf8'),
      'known-hosts': readFileSync(rig.knownHosts, 'utf8'),
    }
    const [, ...steps] = action.runs.steps
    const { code, stderr, outputs } = await runAction(
      inputs,
      { workspace, temp: join(workspace, 'temp'), environment },
      steps,
    )
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    expect(outputs).toEqual({ version: 'v2', addresses: 'http://app.example.com' })
    // The proxy of one project has other ports than that of the next.
    await must(server, 'docker rm -f $(docker ps -aq)')
  })

  /** Where jiji is installed already. */
  const jobOf = async ({ folder: workspace, write }: Project) => {
    const home = join(workspace, 'home')
    await write({ 'bin/jiji': `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, 'home/.ssh/config': '' })
    await chmod(join(workspace, 'bin/jiji'), 0o755)
    return { workspace, environment: { HOME: home, PATH: `${join(workspace, 'bin')}:${process.env.PATH}` } }
  }

  // What deploys to its own machine is deployed by a server of the rig to itself: it has an engine and nothing to lose.
  const deployThere = async (folder: string) => {
    const files = ['dist', ...external, '.jiji', 'examples']
    const archive = await execa('tar', ['-c', ...files], { cwd: root, encoding: 'buffer' })
    await must(server, 'rm -rf /root/jiji && mkdir /root/jiji && tar -x -C /root/jiji', { input: archive.stdout })
    return server.exec(`cd ${join('/root/jiji', folder)} && ${process.execPath} /root/jiji/dist/main.js deploy`)
  }

  for (const name of examples) {
    test(`examples/${name} deploys`, async () => {
      const run = await deployThere(`examples/${name}`)
      expect(run.stderr).not.toContain('error:')
      expect(run.code).toBe(0)
      const [, address] = /http:\/\/(\S+)/.exec(run.stdout) ?? []
      const [host = '', port = '80'] = address?.split(':') ?? []
      expect((await ask({ address: server.address, port: Number(port), host })).body).toContain('Hello')
    })
  }

  test("this repository's own deploy.yml deploys", async () => {
    const run = await deployThere('.')
    expect(run.stderr).not.toContain('error:')
    expect(run.code).toBe(0)
    const own = { address: server.address, port: 8080, host: 'hello.localhost' }
    expect((await ask(own)).body).toBe('Hello from jiji\n')
  })
})
