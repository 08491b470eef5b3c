import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Problem } from '../../src/config/problem.ts'
import type { Finding } from '../../src/deploy/doctor/finding.ts'
import { appFiles, createProject, type Project, type Result } from './harness.ts'
import { freePort } from './ports.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Engine, startEngine } from './rig/engine.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must, type Server } from './rig/server.ts'

describeOnRig('jiji doctor', () => {
  let rig: Rig
  let engine: Engine
  let project: Project
  let port: number
  const s1 = () => rig.servers[0] as Server
  const s2 = () => rig.servers[1] as Server

  beforeAll(async () => {
    ;[rig, engine, port] = await Promise.all([
      startRig({ servers: ['docker', 'podman'], name: 'doctor', images: ['caddy:2'] }),
      startEngine(['registry:2']),
      freePort(),
    ])
    for (const server of rig.servers) {
      await must(
        server,
        'useradd -m -s /bin/sh dora && mkdir -p /home/dora/.ssh && cp /root/.ssh/authorized_keys /home/dora/.ssh/ && chown -R dora: /home/dora/.ssh && usermod -p "*" dora',
      )
    }
    await must(s2(), 'podman ps') // which makes its lock, when it is first asked
    project = await createProject(appFiles('one'))
    await configure()
    expect((await project.jijiWith({ DOCKER_HOST: engine.host }, 'registry', 'setup')).code).toBe(0)
  })
  afterAll(async () => {
    await rig?.stop()
    await engine?.stop()
    await project?.remove()
  })

  type Setting = { users?: string; hosts?: string[]; local?: number; rest?: string }
  /** A service on each server, whose host names lead there: an address is a name of itself. */
  const configure = ({ users = 'root', hosts = [], local = port, rest = '' }: Setting = {}) =>
    project.write({
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local, port: ${local}}}
${rest}
ssh: {config: ${rig.sshConfigFile}, user: ${users}}
servers: {s1: {host: s1}, s2: {host: s2, engine: podman}}
services:
${rig.servers
  .map(({ name, address }) => {
    const names = [address, ...(name === 's1' ? hosts : [])].join(', ')
    return `  on-${name}: {build: {context: .}, hosts: [${name}], proxy: {app_port: 3000, hosts: [${names}], ssl: true}}`
  })
  .join('\n')}
`,
    })
  const doctor = (...words: string[]) =>
    project.jijiWith({ DOCKER_HOST: engine.host }, 'doctor', '-o', 'json', ...words)
  const findings = ({ stdout }: Result): Finding[] => JSON.parse(stdout).checks
  const at = (result: Result, place: string, check: string) =>
    findings(result).filter(one => one.place === place && one.check === check)
  /** Each as `check state cause`; each must say what to do. */
  const notOk = (result: Result, place: string) => {
    const found = findings(result).filter(one => one.place === place && one.state !== 'ok')
    for (const one of found) expect(one.hint, one.message).toMatch(/./)
    return found.map(({ check, state, cause }) => `${check} ${state} ${cause}`)
  }

  /** What a look must not change there: ports, files, processes of ours. */
  // A rootless Podman makes folders of its own when it is first asked anything.
  const traces = async ({ exec }: Server) => {
    const { stdout: ports } = await exec("ss -Hltn | awk '{print $4}' | sort")
    const { stdout: files } = await exec(
      'ls -d /dev/shm/* /run/jiji* /tmp/* /var/lib/jiji 2>/dev/null | grep -vE "/tmp/.*-1001|/libpod_rootless_lock"',
    )
    const { stdout: left } = await exec(
      "ps -eww -o args= | grep -E 'sleep 1000000|dev/tcp|sshd: (root|dora)' | grep -v grep",
    )
    return { ports, files, left }
  }
  const untraced = async (look: () => Promise<void>) => {
    const before = await Promise.all(rig.servers.map(traces))
    await look()
    // A server's sshd ends a session a moment after its client.
    await expect.poll(() => Promise.all(rig.servers.map(traces))).toEqual(before)
  }
  const sshd = async ({ exec, reloadSshd }: Server, lines: string) => {
    await exec(`cp /root/.rig/sshd_config /root/sshd_config
{ printf '${lines}\\n'; cat /root/sshd_config; } >/root/.rig/sshd_config`)
    await reloadSshd()
  }
  const sshdAgain = async ({ exec, reloadSshd }: Server) => {
    await exec('mv /root/sshd_config /root/.rig/sshd_config')
    await reloadSshd()
  }
  /** Listens until the function is done. */
  const listening = async (server: Server, taken: number, fn: () => Promise<void>) => {
    const program = `require('net').createServer().listen(${taken}, '0.0.0.0')`
    const squatter = server.exec(`echo $$ >/run/squatter; exec ${process.execPath} -e "${program}"`)
    try {
      while ((await server.exec(`ss -Hltn 'sport = :${taken}'`)).stdout === '')
        await new Promise(resolve => setTimeout(resolve, 50))
      await fn()
    } finally {
      await server.exec('kill $(cat /run/squatter)')
      await squatter
    }
  }

  test('finds nothing wrong where nothing is, measures the tunnel, and leaves no trace', () =>
    untraced(async () => {
      const before = rig.servers.map(server => server.executions())
      const result = await doctor()
      expect(rig.servers.map(server => notOk(result, server.name))).toEqual([[], []])
      expect(notOk(result, 'here').filter(one => !one.startsWith('build '))).toEqual([])
      expect([result.code, result.stderr, JSON.parse(result.stdout).schemaVersion]).toEqual([0, '', 1])
      for (const { name, engine: own, address } of rig.servers) {
        const seen = (check: string) => at(result, name, check).map(({ message }) => message)
        expect(seen('engine')).toEqual([expect.stringMatching(new RegExp(`^${own} \\d+\\.\\d+.*, (amd|arm)64$`))])
        expect(seen('ports')).toEqual(['80 is free, 443 is free'])
        expect(seen('dns')).toEqual([`${address} is ${address}`])
        expect(seen('sessions')).toEqual(['8 at once'])
        expect(seen('memory')).toEqual(['credentials of a pull are in memory (/dev/shm)'])
        expect(seen('tunnel')).toEqual([`its 127.0.0.1:${port} leads to port ${port} here`])
        const { bytesPerSecond = 0, roundTrip = 0 } = at(result, name, 'speed')[0]?.figures ?? {}
        expect(bytesPerSecond).toBeGreaterThan(100_000)
        expect([roundTrip > 0, roundTrip < 500]).toEqual([true, true])
      }
      // One that asks everything, eight for the sessions, and one that reads from the tunnel.
      expect(rig.servers.map((server, i) => server.executions() - (before[i] ?? 0))).toEqual([10, 10])
    }))

  test('shows people a table, and below it what to do', async () => {
    await configure({ hosts: ['missing.invalid', rig.controller, s2().address] })
    const { code, stdout, stderr } = await project.jijiWith({ DOCKER_HOST: engine.host }, 'doctor')
    await configure()
    expect(stdout).toMatch(/^PLACE +CHECK +STATE +SEEN\nhere +engine +ok +docker/)
    expect(stdout).toMatch(/\ns1 +dns +problem +missing\.invalid does not resolve, and so gets no certificate\n/)
    expect(stdout).toContain(
      `\ns1: dns: missing.invalid does not resolve, and so gets no certificate\n  its A record should be ${s1().address}`,
    )
    expect(stdout).toMatch(
      /s1: dns: .* leads to .*, which none of its servers is known to have\n {2}that is right behind a load balancer/,
    )
    expect(stderr).toBe('error: one problem was found; what to do is said with each')
    expect(code).toBe(1)
  })

  test('says what sshd forbids: tunnels, and sessions', () =>
    untraced(async () => {
      await sshd(s1(), 'AllowTcpForwarding no')
      await sshd(s2(), 'MaxSessions 3')
      const result = await doctor()
      await Promise.all([sshdAgain(s1()), sshdAgain(s2())])
      expect(notOk(result, 's1')).toEqual(['tunnel warning no-forwarding'])
      expect(at(result, 's1', 'tunnel')[0]?.hint).toContain('AllowTcpForwarding yes')
      expect(notOk(result, 's2')).toEqual(['sessions warning few-sessions'])
      expect(at(result, 's2', 'sessions')[0]?.message).toContain('lets 3 run at once')
      expect(result.code).toBe(0)
    }))

  test('says that sshd opens tunnels to everybody', async () => {
    await sshd(s1(), 'GatewayPorts yes')
    const result = await doctor('-H', 's1')
    await sshdAgain(s1())
    expect([result.code, notOk(result, 's1')]).toEqual([1, ['tunnel problem gateway-ports']])
  })

  test('says who has a port of the proxy, and that of the tunnel', () =>
    untraced(async () => {
      await listening(s1(), 80, () =>
        listening(s2(), port, async () => {
          const result = await doctor()
          expect(notOk(result, 's1')).toEqual(['ports problem port-taken'])
          expect(at(result, 's1', 'ports')[0]?.message).toMatch(/^port 80 is taken by node \(process \d+\)$/)
          expect(notOk(result, 's2')).toEqual(['tunnel warning tunnel-port-taken'])
          expect(at(result, 's2', 'tunnel')[0]?.message).toMatch(
            new RegExp(`^port ${port} is taken by node .*: it was 127\\.0\\.0\\.1:\\d+ this time$`),
          )
          expect([result.code, at(result, 's1', 'ports')[0]?.code]).toEqual([1, 'port.taken'])
        }),
      )
    }))

  test('knows the proxy, and one that has stopped', async () => {
    await must(
      s1(),
      'docker run -d --name jiji-proxy --label "jiji.proxy=caddy:2 80 443" -p 80:80 -p 443:443 --entrypoint sleep caddy:2 1000',
    )
    const running = await doctor('-H', 's1')
    await must(s1(), 'docker kill jiji-proxy')
    const stopped = await doctor('-H', 's1')
    await must(s1(), 'docker rm -f jiji-proxy')
    expect(notOk(running, 's1')).toEqual([])
    expect(at(running, 's1', 'ports')[0]?.message).toBe('80 is ours, 443 is ours')
    expect(at(running, 's1', 'proxy')[0]?.message).toMatch(/^runs, Caddy 2\.\d+.*, caddy:2$/)
    expect(notOk(stopped, 's1')).toEqual(['proxy problem proxy-stopped'])
    expect(stopped.code).toBe(1)
  })

  test('sees a small disk and a wrong clock', async () => {
    await must(s2(), 'mount -t tmpfs -o size=64m tmpfs /var/lib/containers')
    await must(
      s1(),
      `printf '#!/bin/sh\\nshift $#\\nexec /bin/date -d "+100 seconds" +%%s\\n' >/usr/local/bin/date; chmod 755 /usr/local/bin/date`,
    )
    const result = await doctor()
    await must(s1(), 'rm /usr/local/bin/date')
    await must(s2(), 'umount /var/lib/containers')
    expect(notOk(result, 's1')).toEqual(['clock warning clock-skew'])
    expect(at(result, 's1', 'clock')[0]?.message).toMatch(/^its clock is (99|100|101) s ahead/)
    expect(notOk(result, 's2')).toEqual(['disk warning disk-low'])
    expect(at(result, 's2', 'disk')[0]?.message).toMatch(/6\d MB of 67 MB free in \/var\/lib\/containers/)
    expect(result.code).toBe(0)
  })

  test('says what a user who is not root may not', () =>
    untraced(async () => {
      await configure({ users: 'dora', local: 913 })
      const result = await doctor()
      await configure()
      expect(notOk(result, 's1')).toEqual([
        'engine problem engine.denied',
        'tunnel warning tunnel-port-privileged',
        'tunnel unknown no-registry',
      ])
      expect(at(result, 's1', 'engine')[0]?.hint).toContain('usermod -aG docker')
      expect(notOk(result, 's2')).toContain('ports problem port-privileged')
      expect(at(result, 's1', 'user')[0]?.message).toBe('dora')
      expect(result.code).toBe(1)
    }))

  test('goes on where a secret is missing, and where a server is down', () =>
    untraced(async () => {
      await configure({ rest: 'registries: {company: {server: ghcr.io/company, username: bot, password: NOT_SET}}' })
      await s2().link('down')
      const result = await doctor()
      await s2().link('up')
      await configure()
      expect(notOk(result, 's1')).toEqual([])
      expect(notOk(result, 's2')).toEqual([expect.stringMatching(/^ssh problem server\.(unreachable|timeout)$/)])
      expect(at(result, 'here', 'registry').find(({ state }) => state === 'unknown')).toMatchObject({
        cause: 'no-secret',
        message: 'ghcr.io/company: the secret NOT_SET is not set',
      })
      expect(result.code).toBe(4)
    }))

  describe('jiji validate --online', () => {
    const online = async (...words: string[]) => {
      const { code, stdout, stderr } = await project.jijiWith(
        { DOCKER_HOST: engine.host },
        ...['validate', '--online', '-o', 'json', ...words],
      )
      const { problems, warnings = [] }: { problems: Problem[]; warnings?: Problem[] } = JSON.parse(stdout)
      expect(stderr).not.toContain('fault of jiji')
      // Whether the plug-in buildx is on this machine is none of its business.
      const others = warnings.filter(({ path }) => path !== 'builder.engine')
      return { code, problems: problems.map(said), warnings: others.map(said) }
    }
    const said = ({ line, column, path, code, message }: Problem) => `${line}:${column} ${path} ${code}: ${message}`
    const site = '# {"project":"other","hosts":["taken.example.com"]}'

    test('finds nothing where nothing is, asks each server once, and leaves no trace', () =>
      untraced(async () => {
        const before = rig.servers.map(server => server.executions())
        expect(await online()).toEqual({ code: 0, problems: [], warnings: [] })
        expect(rig.servers.map((server, i) => server.executions() - (before[i] ?? 0))).toEqual([1, 1])
      }))

    test('places what the world says against it in the file: a server that is down once', async () => {
      await must(
        s1(),
        `docker run -d --name jiji-proxy --label "jiji.proxy=caddy:2 80 443" -p 80:80 -p 443:443 --entrypoint sleep caddy:2 1000
docker exec jiji-proxy mkdir -p /jiji/sites && docker exec -i jiji-proxy sh -c 'cat >/jiji/sites/other.caddy' <<'END'
${site}
END`,
      )
      await configure({
        hosts: ['taken.example.com', 'missing.invalid'],
        rest: 'registries: {company: {server: ghcr.io/company, username: bot, password: NOT_SET}}',
      })
      await s2().link('down')
      const result = await online()
      await s2().link('up')
      await must(s1(), 'docker rm -f jiji-proxy')
      await configure()
      const [missing, ...problems] = result.problems
      expect(missing).toBe('3:74 registries.company.password missing-secret: the secret NOT_SET is not set')
      expect(problems).toEqual([
        expect.stringMatching(/^5:38 servers\.s2\.host server\.(unreachable|timeout): s2 /),
        expect.stringMatching(
          /^7:\d+ services\.on-s1\.proxy\.hosts\.1 route\.taken: s1: taken\.example\.com belongs to the project other there$/,
        ),
      ])
      expect(result.warnings.filter(one => one.includes('missing.invalid'))).toEqual([
        expect.stringMatching(/^7:\d+ services\.on-s1\.proxy\.hosts\.2 dns: missing\.invalid does not resolve/),
      ])
      expect(result.code).toBe(2)
    })

    test('a server that is down: exit 4; a port that is taken, and a new host key that is not recorded', async () => {
      const config = readFileSync(rig.sshConfigFile, 'utf8').replace(
        rig.knownHosts,
        join(project.folder, 'known_hosts'),
      )
      await project.write({
        known_hosts: '',
        ssh_config: config,
        'other.yml': `project: shop
ssh: {config: ssh_config}
servers:
  s1: {host: s1}
  s2: {host: s2, user: nobody, engine: podman}
services:
  web:
    image: 127.0.0.1:1/nothing:1
    hosts: [s1, s2]
    ports: ["8081:80"]
    stop_first: true
`,
      })
      await listening(s1(), 8081, async () => {
        const result = await online('-c', 'other.yml')
        expect(result.problems).toEqual([
          expect.stringMatching(/^5:14 servers\.s2\.host server\.refused: s2 .*nobody/),
          expect.stringMatching(/^8:12 services\.web\.image registry\.unreachable: .*127\.0\.0\.1:1.* \(from s1\)$/),
          expect.stringMatching(/^10:13 services\.web\.ports\.0 port\.taken: s1: port 8081 is taken by node/),
        ])
        const unknown = (line: number, name: string) =>
          expect.stringMatching(
            new RegExp(`^${line}:14 servers\\.${name}\\.host host-key: ${name} .*is not known yet: .*SHA256:`),
          )
        expect(result.warnings).toEqual([unknown(4, 's1'), unknown(5, 's2')])
        expect(result.code).toBe(4)
        expect(readFileSync(join(project.folder, 'known_hosts'), 'utf8')).toBe('')
      })
    })
  })

  // The engine of s1 is dead afterwards.
  test('sees an engine that does not answer', async () => {
    await must(s1(), 'kill -STOP $(pidof dockerd); sleep 0.1')
    const first = await doctor('-H', 's1')
    const { stdout: left } = await s1().exec("ps -eww -o args= | grep '[d]ocker version'")
    await must(s1(), 'kill -CONT $(pidof dockerd); kill $(pidof dockerd); while pidof dockerd; do sleep 0.1; done')
    const stopped = await doctor('-H', 's1')
    expect(notOk(first, 's1')).toContain('engine problem engine.failed')
    expect(left).toBe('')
    expect(notOk(stopped, 's1')).toContain('engine problem engine.failed')
    expect(at(stopped, 's1', 'engine')[0]?.hint).toBe(
      'is its daemon running? sudo systemctl status docker; or name the engine it has: servers.s1.engine',
    )
    expect([first.code, stopped.code]).toEqual([1, 1])
  })
})
