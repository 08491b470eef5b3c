import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { action, runAction } from './action.ts'
import { appFiles, createProject, program } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { loadImages } from './rig/images.ts'
import { type Registry, startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'
import {
  addUser,
  becomeRunner,
  installJiji,
  mirrorRedis,
  nameEverything,
  pushPrices,
  sourceOfJiji,
  teamToken,
} from './surroundings.ts'
import { runWorkflow } from './workflow.ts'

const githubToken = 'ghs_t0k$n+|"w4Kz'
const companyToken = 'c0mp&ny-t0ken%9Q'

// Images of Node go through four registries, which takes its time on a slow machine.
vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 })

// The examples stand as they are: it is the network around them that has what they name.
describeOnRig('each example deploys as it stands', () => {
  let rig: Rig
  let ghcr: Registry
  let company: Registry
  let mirror: Registry
  const at = (index: number) => rig.servers[index] as Server
  const [laptop, web1, podman] = [() => at(0), () => at(1), () => at(2)]

  /** What somebody types there, in a folder. */
  const onLaptop = async (folder: string, line: string) => {
    const { code, stdout, stderr } = await laptop().exec(`cd ${folder} && PATH=/root/bin:$PATH && ${line}`)
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/^error:/m)])
    return { stdout, stderr }
  }
  /** A copy of an example, and what is asked for in its .env.example. */
  const copy = async (name: string, secrets: Record<string, string> = {}) => {
    const folder = `/root/${name}`
    await must(laptop(), `cp -r /root/jiji/examples/${name} ${folder}`)
    const example = (await laptop().exec(`cat ${folder}/.env.example`)).stdout
    const filled = example.replace(/^(\w+)=$/gm, (_, secret) => `${secret}='${secrets[secret]}'`)
    await must(laptop(), `cat > ${folder}/.env`, { input: filled })
    return folder
  }
  const answer = async (server: Server, host: string, path = '/') => {
    const { status, body } = await ask({ address: server.address, host, path })
    return `${status} ${body.trim()}`
  }

  beforeAll(async () => {
    rig = await startRig({ servers: ['both', 'docker', 'podman'], name: 'examples', images: ['caddy:2'] })
    const { controller: address, servers: trustedBy } = rig
    const users = { 'your-name': { password: githubToken, grants: { 'your-name/': ['pull', 'push'] } } }
    const staff = {
      robot$shop: { password: companyToken, grants: { 'platform/': ['pull'] } },
      platform: { password: teamToken, grants: { 'platform/': ['pull', 'push'] } },
    }
    ;[ghcr, company, mirror] = await Promise.all([
      startRegistry({ address, port: 443, name: 'ghcr.io', tokens: { users }, trustedBy }),
      startRegistry({ address, port: 5000, name: 'registry.example.com', tokens: { users: staff }, trustedBy }),
      startRegistry({ address, tls: false }),
      loadImages(laptop(), ['node:20-slim', 'registry:2', 'busybox:1']),
      nameEverything(rig),
      installJiji(laptop()),
    ])
    await mirrorRedis(web1(), mirror.host)
    await addUser(web1(), 'deploy')
    // As it would be called if it had been pulled.
    await must(laptop(), 'podman tag localhost/node:20-slim docker.io/library/node:20-slim')
    await must(laptop(), 'umask 077; cat > /root/.ssh/id_ed25519', { input: readFileSync(rig.key) })
  })
  afterAll(async () => {
    await ghcr?.stop()
    await company?.stop()
    await mirror?.stop()
    await rig?.stop()
  })

  test('what init writes', async () => {
    await must(laptop(), 'mkdir /root/app')
    for (const [name, input] of Object.entries(appFiles('one')))
      await must(laptop(), `cat > /root/app/${name}`, { input })
    await onLaptop(
      '/root/app',
      'jiji init --server web1.example.com --domain app.example.com --port 3000 && jiji deploy',
    )
    expect(await answer(web1(), 'app.example.com')).toBe('200 one')
  })

  test('the action of this repository, with a key in an agent and a known host', async () => {
    const { address } = web1()
    const project = await createProject({
      ...appFiles('one'),
      '.jiji/deploy.yml': `project: acted
builder: {registry: {type: local}}
ssh: {config: ssh_config}
servers: {web1: {host: web1}}
services:
  web:
    build: {context: .}
    hosts: [web1]
    proxy: {app_port: 3000, hosts: [acted.example.com]}
`,
      // What is installed by the action's first step.
      'bin/jiji': `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`,
      'home/.ssh/config': '',
    })
    const { folder: workspace } = project
    const home = join(workspace, 'home')
    // As on a runner, ssh knows of no key but the agent's, and of no host but those of its own file.
    await project.write({
      ssh_config: `Host web1\n  HostName ${address}\n  User root\n  UserKnownHostsFile ${home}/.ssh/known_hosts\n`,
    })
    await chmod(join(workspace, 'bin/jiji'), 0o755)
    const { code, stderr, outputs } = await runAction(
      {
        command: 'deploy --version v2',
        'ssh-key': readFileSync(rig.key, 'utf8'),
        'known-hosts': readFileSync(rig.knownHosts, 'utf8'),
      },
      {
        workspace,
        temp: join(workspace, 'temp'),
        environment: { HOME: home, PATH: `${join(workspace, 'bin')}:${process.env.PATH}` },
      },
      action.runs.steps.slice(1),
    )
    await project.remove()
    expect(stderr).not.toContain('error')
    expect([code, outputs]).toEqual([0, { version: 'v2', addresses: 'http://acted.example.com' }])
    expect(await answer(web1(), 'acted.example.com')).toBe('200 one')
  })

  test('hello', async () => {
    const { stdout } = await onLaptop(await copy('hello'), 'jiji deploy')
    expect(stdout).toContain('http://hello.localhost:8080')
    const own = { address: laptop().address, port: 8080, host: 'hello.localhost' }
    expect((await ask(own)).body).toBe('Hello from jiji\n')
  })

  test("this repository's own deploy.yml", async () => {
    await onLaptop('/root/jiji', 'jiji deploy')
    const own = { address: laptop().address, port: 8080, host: 'hello.localhost' }
    expect((await ask(own)).body).toBe('Hello from jiji\n')
  })

  test('node: what it signs with is the secret', async () => {
    await onLaptop(await copy('node', { LINK_KEY: 'l1nk-key$' }), 'jiji deploy')
    const host = 'links.example.com'
    const link = (await answer(web1(), host, '/link/a%20b.pdf')).replace('200 ', '')
    const [, until] = /until=(\d+)/.exec(link) ?? []
    const signature = createHmac('sha256', 'l1nk-key$').update(`${until} a b.pdf`).digest('hex')
    expect(link).toBe(`/files/a%20b.pdf?until=${until}&signature=${signature}`)
    expect(await answer(web1(), host, link)).toBe('200 the contents of a b.pdf')
    expect(await answer(web1(), host, link.replace('a%20b', 'c'))).toMatch(/^403 /)
  })

  test('services: the database is asked, and what it holds outlives its container', async () => {
    const password = 'r3dis-Passw0rd'
    const folder = await copy('services', { REDIS_PASSWORD: password })
    const db = () => must(web1(), 'docker ps -q --filter label=jiji.project=counter --filter label=jiji.service=db')
    const held = async () => must(web1(), `docker exec ${await db()} redis-cli get visits`)
    /** Visits until the worker has seen all before. @returns how many there were */
    const visit = async () => {
      for (;;) {
        const [, visits, seen] = /^200 visit (\d+), of which the worker has seen (\d+)$/.exec(
          await answer(web1(), 'counter.example.com'),
        ) ?? ['', '', '']
        expect(await held()).toBe(visits)
        if (Number(seen) > 0 && Number(visits) === Number(seen) + 1) return Number(visits)
        await new Promise(resolve => setTimeout(resolve, 500))
      }
    }
    await onLaptop(folder, 'jiji deploy')
    const [visits, first] = [await visit(), await db()]
    expect((await web1().processes()).filter(line => line.includes(password))).toEqual([])
    await onLaptop(folder, 'jiji deploy')
    expect(await db()).not.toBe(first)
    expect(await answer(web1(), 'counter.example.com')).toContain(`200 visit ${visits + 1}, of which`)
    await visit()
  })

  test('local-registry: nothing is left open', async () => {
    const folder = await copy('local-registry')
    await onLaptop(folder, 'jiji deploy')
    for (const server of [web1(), podman()]) {
      expect(await answer(server, 'notice.example.com')).toContain('This came through a tunnel.')
      await expect.poll(() => sshOn(server), { timeout: 60_000 }).toEqual(['0.0.0.0:22', '[::]:22'])
    }
    expect(await listening(laptop(), 9270)).toEqual(['127.0.0.1:9270'])
    await onLaptop(folder, 'jiji registry remove --yes')
    expect(await listening(laptop(), 9270)).toEqual([])
  })

  test('github-actions: the steps of the workflow', async () => {
    const workspace = await copy('github-actions')
    const repository = 'https://github.com/your-name/motto.git'
    const commit = 'git -c user.name=a -c user.email=a@example.com commit -qm "Say it"'
    await onLaptop(
      workspace,
      `rm .env && git init -qb main && git remote add origin ${repository} && git add . && ${commit}`,
    )
    const machine = await becomeRunner(laptop(), workspace)
    const { stdout: knownHosts } = await laptop().exec('ssh-keyscan web1.example.com')
    const secrets = { SSH_PRIVATE_KEY: readFileSync(rig.key, 'utf8'), GITHUB_TOKEN: githubToken, SIGNING_KEY: 's1gn' }
    const workflow = await must(laptop(), `cat ${workspace}/.github/workflows/deploy.yml`)
    const vars = { SSH_KNOWN_HOSTS: knownHosts, JIJI_SOURCE: await sourceOfJiji(laptop()) }
    const job = await runWorkflow(workflow, machine, { secrets, vars })

    expect(job.uses.map(one => one.replace(/@.*/, ''))).toEqual(['actions/checkout', 'actions/setup-node'])
    const signed = createHmac('sha256', 's1gn').update('pushed, built, deployed').digest('hex')
    expect(await answer(web1(), 'motto.example.com')).toBe(`200 pushed, built, deployed\nsigned ${signed}`)
    const { stdout: head } = await onLaptop(workspace, 'git rev-parse --short HEAD')
    expect(job.summary).toContain(`deployed motto ${head}`)
    expect(job.log.replace(/^::add-mask::.*\n/gm, '')).not.toContain(githubToken)
    expect(ghcr.tokenLog()).toMatch(/^(GET|POST) your-name repository:your-name\/motto\/web:/m)
    expect(await web1().filesHolding(githubToken)).toEqual([])
  })

  test('two-registries: each image with its own credential', async () => {
    const image = `${company.host}/platform/prices:1.4`
    await pushPrices(laptop(), image)
    await onLaptop(
      await copy('two-registries', { GITHUB_TOKEN: githubToken, COMPANY_TOKEN: companyToken }),
      'jiji deploy',
    )
    expect(await answer(web1(), 'shop.example.com')).toBe("200 today's prices: apples 3")
    expect(ghcr.tokenLog()).toMatch(/^(GET|POST) your-name repository:your-name\/shop\/web:/m)
    expect(company.tokenLog()).toMatch(/^(GET|POST) robot\$shop repository:platform\/prices:pull/m)
    for (const token of [githubToken, companyToken]) expect(await web1().filesHolding(token)).toEqual([])
  })

  test('podman: without Docker', async () => {
    await laptop().exec('docker rm -f jiji-registry') // whose port Podman's will have
    await onLaptop(await copy('podman'), 'jiji deploy')
    expect(await answer(podman(), 'bell.example.com')).toBe('200 a disk that cannot be written, and no capabilities')
    expect(await must(laptop(), 'docker images -q --filter label=jiji.project=bell')).toBe('')
    expect(await must(laptop(), 'podman images -q --filter label=jiji.project=bell')).not.toBe('')
  })
})

/** Where sshd listens, its sessions and their tunnels included. */
async function sshOn(server: Server): Promise<string[]> {
  const lines = (await must(server, 'ss -Htlnp')).split('\n').filter(line => line.includes('"sshd'))
  return lines.map(line => line.split(/\s+/)[3] ?? '').toSorted()
}

async function listening(server: Server, port: number): Promise<string[]> {
  const lines = (await must(server, `ss -Htln sport = ${port}`)).split('\n').filter(Boolean)
  return lines.map(line => line.split(/\s+/)[3] ?? '')
}
