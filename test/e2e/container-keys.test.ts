import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, serversOf } from './harness.ts'
import { ask } from './load.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const patience = 300_000
const hostile = `it's "$HOME" $(touch /tmp/pwned) \`id\`; # \\ 🦝\nand $'a second line'`

describeOnRig('the keys of a container, on Docker and on Podman', () => {
  let rig: Rig
  let project: Project
  const write = (content: string, check: readonly string[]) =>
    project.write({
      'box/Dockerfile': 'FROM busybox:1\n',
      'config/page': content,
      '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
deploy: {settle: 1s, stop_timeout: 1s}
services:
  db:
    build: {context: box}
    hosts: [s1, s2]
    user: "1000:1000"
    entrypoint: ["sh", "-c", ${JSON.stringify('echo "$0" >/data/said; exec "$@"')}, ${JSON.stringify(hostile)}]
    command: [httpd, -f, -p, "8080", -h, /srv]
    labels: {com.example.note: ${JSON.stringify(hostile)}}
    environment: {clear: {NOTE: ${JSON.stringify(hostile)}}, secrets: [TOLD]}
    memory: 64m
    cap_drop: [ALL]
    cap_add: [NET_ADMIN]
    ulimits: {nofile: "123:456", nproc: 4096}
    tmpfs: [/scratch]
    extra_hosts: ["ldap:10.9.8.7"]
    log: {options: {max-size: 1m}}
    options: {hostname: inner}
    files: [{local: config/page, remote: /srv/page, mode: 600, owner: "1000", options: ro}]
    directories: [{local: "a b/data", remote: /data, owner: "1000:1000"}]
    hooks: {pre_deploy: [test, -s, /srv/page]}
    healthcheck: {command: ${JSON.stringify(check)}, interval: 200ms, timeout: 2s, deploy_timeout: 8s}
  client:
    build: {context: box}
    hosts: [s1, s2]
    command: [sleep, "1000"]
  agent:
    build: {context: box}
    hosts: [s1, s2]
    network_mode: host
    stop_first: true
    command: [httpd, -f, -p, "8099", -h, /etc]
`,
    })
  const healthy = ['wget', '-q', '-O', '-', 'http://127.0.0.1:8080/page']
  /** What a line says in the container of a service, on each server. */
  const inside = (service: string, line: string) =>
    Promise.all(
      rig.servers.map(server => {
        const running = `$(${server.engine} ps -q --filter label=jiji.service=${service})`
        return must(server, `${server.engine} exec ${running} sh -c '${line}'`)
      }),
    )
  const both = (text: string) => [text, text]
  const deploy = (version: string) => project.jijiWith({ TOLD: hostile }, 'deploy', '-v', '--version', version)
  const page = () => inside('client', 'wget -q -O - http://db.shop.jiji:8080/page')

  beforeAll(async () => {
    rig = await startRig({ servers: ['docker', 'podman'], name: 'keys', images: ['busybox:1'] })
    project = await createProject({})
  }, patience)
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  test(
    'reach the container, and another one reaches the service by its name',
    async () => {
      await write('geheim-1', healthy)
      const { code, stdout, stderr } = await deploy('v1')
      expect(stderr).not.toContain('error:')
      expect(code).toBe(0)
      expect(stdout + stderr).not.toMatch(/geheim-1|Z2VoZWltLTE/)
      expect(await page()).toEqual(both('geheim-1'))
      expect(
        (await project.jijiWith({ TOLD: hostile }, 'run', 'db', '-H', 's2', '--', 'cat', '/srv/page')).stdout,
      ).toBe('geheim-1')
      expect(await inside('db', 'id -u; id -g; hostname')).toEqual(both('1000\n1000\ninner'))
      // A process that is brought in has limits of its own with some versions of Podman.
      expect(await inside('db', 'grep "open files" /proc/1/limits')).toEqual(both(expect.stringMatching(/ 123 +456 /)))
      expect(await inside('db', 'cat /data/said')).toEqual(both(hostile))
      expect(await inside('db', 'printf "%s\\n" "$NOTE" "$TOLD"')).toEqual(both(`${hostile}\n${hostile}`))
      expect(await inside('db', 'grep CapBnd /proc/1/status')).toEqual(both('CapBnd:\t0000000000001000'))
      expect(await inside('db', 'grep ldap /etc/hosts; grep -c /scratch /proc/mounts')).toEqual(
        both(expect.stringMatching(/^10\.9\.8\.7\s+ldap\n1$/)),
      )
      expect(await inside('db', 'stat -c "%a %u" /srv/page /data')).toEqual(both('600 1000\n755 1000'))
      for (const server of rig.servers) {
        const inspect = `${server.engine} inspect --format '{{.HostConfig.Memory}} {{index .Config.Labels "com.example.note"}}'`
        const seen = await must(server, `${inspect} $(${server.engine} ps -q --filter label=jiji.service=db)`)
        expect(seen).toBe(`${64 * 1024 * 1024} ${hostile}`)
        expect((await server.exec('ls /tmp/pwned')).code).not.toBe(0)
        expect((await ask({ address: server.address, port: 8099, host: 'any', path: '/hostname' })).body).not.toBe('')
      }
    },
    patience,
  )

  test(
    'a health check that fails is shown with what it wrote, and what ran before goes on',
    async () => {
      await write('geheim-2', ['sh', '-c', 'echo "the database is missing"; exit 3'])
      const { code, stderr } = await deploy('v2')
      expect(code).toBe(6)
      expect(stderr).toContain('its health check (status 3) did not succeed in 8 s')
      expect(stderr).toContain('the database is missing')
      expect(await page()).toEqual(both('geheim-1'))
    },
    patience,
  )

  test(
    'a rollback has the files of its release, and the name and the directories stay',
    async () => {
      await write('geheim-3', healthy)
      expect((await deploy('v3')).code).toBe(0)
      expect(await page()).toEqual(both('geheim-3'))
      await inside('db', 'echo kept >/data/kept')
      const { code, stderr } = await project.jiji('rollback', '-y')
      expect(stderr).not.toContain('error:')
      expect(code).toBe(0)
      expect(await page()).toEqual(both('geheim-1'))
      expect(await inside('db', 'cat /data/kept')).toEqual(both('kept'))
      const files = await Promise.all(
        rig.servers.map(server => must(server, 'cd /var/lib/jiji/shop/files && ls -d shop-db-*')),
      )
      expect(files).toEqual(both(expect.stringMatching(/^(shop-db-\d+-\d+\n?){2}$/)))
    },
    patience,
  )
})
