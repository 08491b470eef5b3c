import { existsSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOnRig } from './rig/describe.ts'
import { loadImages } from './rig/images.ts'
import { startRegistry } from './rig/registry.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

describeOnRig('the rig', () => {
  let rig: Rig
  let docker: Server
  let podman: Server

  beforeAll(async () => {
    const images = ['caddy:2', 'node:20-slim']
    rig = await startRig({ servers: ['docker', 'podman'], name: 'rigtest', images, sshd: ['MaxSessions 8'] })
    ;[docker, podman] = rig.servers as [Server, Server]
    await loadImages(rig.servers, ['busybox:1', 'caddy:2'])
  })
  afterAll(() => rig?.stop())

  const ssh = (server: Server, command: string) =>
    execa('ssh', ['-F', rig.sshConfigFile, server.name, command], { reject: false })

  test('has servers that answer over ssh, each with its own engine', async () => {
    const [d, p] = await Promise.all([
      ssh(docker, 'hostname; docker info --format {{.ServerVersion}}'),
      ssh(
        podman,
        'hostname; podman info --format {{.Host.NetworkBackend}}; docker version >/dev/null 2>&1 || echo no docker',
      ),
    ])
    expect(d.stdout).toMatch(/^s1\n\d+/)
    expect(p.stdout).toBe('s2\nnetavark\nno docker')
  })

  test('counts what sshd was asked to run', async () => {
    const executions = docker.executions()
    const connections = docker.connections()
    await ssh(docker, 'true')
    await ssh(docker, 'true')
    expect([docker.executions() - executions, docker.connections() - connections]).toEqual([2, 2])
  })

  for (const engine of ['docker', 'podman'] as const) {
    test(`${engine}: containers find each other by alias, and a published port is reached from here`, async () => {
      const server = engine === 'docker' ? docker : podman
      const app = `node:20-slim node -e 'require("http").createServer((q, r) => r.end("app")).listen(3000)'`
      const proxy = `caddy:2 caddy reverse-proxy --from :80 --to app:3000`
      await must(server, `${engine} network create jiji`)
      await must(server, `${engine} run -d --name one --network jiji --network-alias app ${app}`)
      await must(server, `${engine} run -d --name proxy --network jiji -p 80:80 ${proxy}`)
      await expect.poll(() => fetchText(`http://${server.address}/`)).toBe('app')

      const inspect = `${engine} inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' one`
      const address = await must(server, inspect)
      const wget = `${engine} run --rm --network jiji busybox:1 wget -qO- http://${address}:3000/`
      expect(await must(server, wget)).toBe('app')
      expect(await server.processes()).toContainEqual(expect.stringContaining('reverse-proxy --from :80'))
      await must(server, `${engine} rm -f ${engine === 'podman' ? '-t 0' : ''} one proxy && ${engine} network rm jiji`)
    })
  }

  test('finds what was written on a server', async () => {
    await must(
      docker,
      'echo needle-1 > /etc/written; echo needle-2 > /run/written; mkdir -p /root/a; echo needle-3 > /root/a/b',
    )
    for (const n of [1, 2, 3]) expect(await docker.filesHolding(`needle-${n}`)).toHaveLength(1)
    expect(await podman.filesHolding('needle-')).toEqual([])
  })

  test('pulls cables and plugs', async () => {
    await docker.link('down')
    expect(await millisecondsToConnect(docker)).toBeGreaterThanOrEqual(500)
    await docker.link('up')
    await expect.poll(() => millisecondsToConnect(docker)).toBeLessThan(500)
    await must(docker, 'echo kept > /root/kept')
    await docker.poweroff()
    await docker.boot()
    expect((await ssh(docker, 'cat /root/kept; docker images -q busybox:1 | wc -l')).stdout).toBe('kept\n1')
  })

  test.skipIf(!hasCompiler())('holds packets back', async () => {
    await podman.delay(40)
    expect(await millisecondsToConnect(podman)).toBeGreaterThanOrEqual(80)
    await podman.delay('off')
    await expect.poll(() => millisecondsToConnect(podman)).toBeLessThan(60)
  })

  test('has registries that want a certificate and a password', async () => {
    const registry = await startRegistry({
      address: rig.controller,
      users: { bot: 'pass word' },
      trustedBy: rig.servers,
    })
    try {
      const image = `${registry.host}/box:1`
      await must(docker, `docker tag busybox:1 ${image}`)
      expect((await docker.exec(`docker push ${image}`)).stderr).toContain('no basic auth credentials')
      await must(docker, `docker login -u bot --password-stdin ${registry.host}`, { input: 'pass word' })
      await must(docker, `docker push -q ${image}`)
      await must(podman, `podman login -u bot --password-stdin ${registry.host}`, { input: 'pass word' })
      await must(podman, `podman pull -q ${image}`)
      const wrong = `docker login -u bot --password-stdin ${registry.host}`
      expect((await execa(wrong, { shell: true, input: 'wrong', reject: false })).stderr).toContain('401')
    } finally {
      await registry.stop()
    }
  })

  test('has registries whose token server grants each user only its own', async () => {
    const users = {
      alice: { password: 'al:ice', grants: { 'personal/': ['pull', 'push'] } },
      bob: { password: 'bob', grants: { 'personal/': ['pull'], 'company/': ['pull', 'push'] } },
    }
    const registry = await startRegistry({ address: rig.controller, tokens: { users }, trustedBy: rig.servers })
    try {
      const [personal, company] = [`${registry.host}/personal/box:1`, `${registry.host}/company/box:1`]
      await must(docker, `docker tag busybox:1 ${personal}; docker tag busybox:1 ${company}`)
      await must(docker, `docker login -u alice --password-stdin ${registry.host}`, { input: 'al:ice' })
      await must(docker, `docker push -q ${personal}`)
      expect((await docker.exec(`docker push -q ${company}`)).stderr).toContain('denied')
      await must(podman, `podman login -u bob --password-stdin ${registry.host}`, { input: 'bob' })
      await must(podman, `podman pull -q ${personal}`)
      expect((await podman.exec(`podman push -q ${personal}`)).stderr).toContain('denied')
      const wrong = `podman login -u alice --password-stdin ${registry.host}`
      expect((await podman.exec(wrong, { input: 'bob' })).stderr).toContain('invalid username/password')
      expect(registry.tokenLog()).toMatch(/alice repository:personal\/box:/)
    } finally {
      await registry.stop()
    }
  })
})

function hasCompiler(): boolean {
  return ['/usr/bin/cc', '/usr/local/bin/cc'].some(existsSync)
}

/** How long it takes to reach a server's sshd; half a second at most, after which it is given up. */
function millisecondsToConnect(server: Server): Promise<number> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: 22, timeout: 500 })
    const done = () => {
      socket.destroy()
      resolve(performance.now() - start)
    }
    socket.on('connect', done).on('timeout', done).on('error', reject)
  })
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', piece => {
        text += piece
      })
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
  })
}
