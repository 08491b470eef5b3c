import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appFiles, createProject, type Project, serversOf } from './harness.ts'
import { describeOnRig } from './rig/describe.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { must } from './rig/server.ts'

const host = 'app.example.com'
/** Counts, ten times a second, and says an odd thing at the beginning. */
const ticker = (version: string) => `printf 'long %040000d end\\n' 7 | tr 0 x
printf '\\033]0;owned\\007colour \\033[31mred\\n'
i=0
while :; do echo "${version} $i"; i=$((i + 1)); sleep 0.1; done
`

describeOnRig('on call, on Docker and on Podman', () => {
  let rig: Rig
  let project: Project
  const config = () => ({
    '.jiji/deploy.yml': `project: shop
builder: {registry: {type: local}}
${serversOf(rig)}
deploy: {settle: 1s, stop_timeout: 1s}
services:
  ticker:
    build: {context: ticker}
    hosts: [s1, s2]
  web:
    build: {context: .}
    hosts: [s1, s2]
    proxy: {app_port: 3000, hosts: [${host}]}
`,
  })
  const deploy = async (version: string, ...more: string[]) => {
    await project.write({ 'ticker/tick.sh': ticker(version) })
    const { code, stderr } = await project.jiji('deploy', '--version', version, ...more)
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error:')])
  }
  /** What a followed log said of a ticker on a server: its numbers, in their order. */
  const ticks = (text: string, server: string, version: string) =>
    [...text.matchAll(new RegExp(`^${server} ticker \\| ${version} (\\d+)$`, 'gm'))].map(([, number]) => Number(number))
  const consecutive = (numbers: readonly number[]) => numbers.map((_, index) => (numbers[0] ?? 0) + index)
  const killSessions = () => Promise.all(rig.servers.map(server => must(server, "pkill -KILL -f '^[s]shd: root'")))

  beforeAll(async () => {
    rig = await startRig({
      servers: ['docker', 'podman'],
      name: 'oncall',
      images: ['caddy:2', 'busybox:1', 'node:20-slim'],
    })
    project = await createProject({
      ...appFiles('one'),
      'ticker/Dockerfile': 'FROM busybox:1\nCOPY tick.sh /\nCMD ["sh", "/tick.sh"]\n',
    })
    await project.write(config())
    await deploy('v1')
  })
  afterAll(async () => {
    await rig?.stop()
    await project?.remove()
  })

  describe('logs', () => {
    type Told = { at: string; server: string; service: string; text: string }
    const told = (stdout: string): Told[] =>
      stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))

    test('of all servers come in the order of time', async () => {
      const { code, stdout } = await project.jiji('logs', '-S', 'ticker', '-n', 'all', '-o', 'json')
      expect(code).toBe(0)
      const lines = told(stdout)
      expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted())
      for (const name of ['s1', 's2']) {
        const own = lines.filter(({ server, text }) => server === name && text.startsWith('v1 '))
        expect(own.map(({ text }) => text)).toEqual(own.map((_, index) => `v1 ${index}`))
        expect(own.length).toBeGreaterThan(10)
        expect(lines.find(({ server, text }) => server === name && text.startsWith('long'))?.text).toHaveLength(40_009)
      }
    })
    test('are cut to lines, to a time, to a text and to a server', async () => {
      const { stdout } = await project.jiji('logs', '-S', 'ticker', '-n', '3')
      expect([ticks(stdout, 's1', 'v1').length, ticks(stdout, 's2', 'v1').length]).toEqual([3, 3])
      const grep = await project.jiji('logs', '--grep', 'VERSION', '-H', 's1')
      expect(grep.stdout).toBe('')
      expect((await project.jiji('logs', '--grep', 'version one', '-H', 's1')).stdout).toBe(
        's1 web | version one listens\n'.trim(),
      )
      const recent = ticks((await project.jiji('logs', '-S', 'ticker', '--since', '2s')).stdout, 's2', 'v1')
      expect(recent.length).toBeGreaterThan(5)
      expect(recent.length).toBeLessThan(60)
    })
    test('end quietly where nobody reads them', async () => {
      const { code, stdout, stderr } = await project.shell('jiji logs -n all -S ticker | head -n 2')
      expect([code, stdout.split('\n').length, stderr]).toEqual([0, 2, ''])
    })
    test('that are followed go on over a killed sshd, and repeat and lose nothing', async () => {
      const following = project.start({}, 'logs', '-f', '-S', 'ticker', '-n', '5')
      await following.says('s2 ticker | v1')
      await sleep(1500)
      await killSessions()
      await following.says('s1 is connected again')
      await following.says('s2 is connected again')
      await sleep(2000)
      following.kill('SIGINT')
      const { code, stdout, stderr } = await following.result
      expect(stderr).toContain('was lost')
      expect(code).toBe(0)
      for (const name of ['s1', 's2']) {
        const seen = ticks(stdout, name, 'v1')
        expect(seen).toEqual(consecutive(seen))
        expect(seen.length).toBeGreaterThan(35)
      }
    })
    test('that are followed go on with a new release, and those before can still be read', async () => {
      const following = project.start({}, 'logs', '-f', '-S', 'ticker', '-n', '0')
      await following.says('s2 ticker | v1')
      await deploy('v2')
      await following.says('s1 ticker | v2 10')
      await following.says('s2 ticker | v2 10')
      following.kill('SIGINT')
      const { code, stdout, stderr } = await following.result
      expect(code).toBe(0)
      for (const name of ['s1', 's2']) {
        expect(stderr).toMatch(new RegExp(`^${name} ticker: shop-ticker-\\S+ runs now$`, 'm'))
        const seen = ticks(stdout, name, 'v2')
        expect([seen[0], seen]).toEqual([0, consecutive(seen)])
      }
      const previous = (await project.jiji('logs', '--previous', '-S', 'ticker', '-n', '2')).stdout
      expect(previous.split('\n')).toHaveLength(4)
      expect([ticks(previous, 's1', 'v1').length, ticks(previous, 's2', 'v1').length]).toEqual([2, 2])
    })
  })
})
