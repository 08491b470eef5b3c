import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appFiles, createProject, type Project, program, type Running, serversOf, untilSized } from './harness.ts'
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
  /** Goes on when a followed log has said so many more of each server. */
  const ticksOn = async (following: Running, more: number) => {
    const { stdout } = await project.jiji('logs', '-S', 'ticker', '-n', '1')
    for (const { name } of rig.servers)
      await following.says(`${name} ticker | v1 ${(ticks(stdout, name, 'v1')[0] ?? 0) + more}\n`)
  }
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
      expect(recent[0]).toBeGreaterThan(0)
    })
    test('end quietly where nobody reads them', async () => {
      const { code, stdout, stderr } = await project.shell('jiji logs -n all -S ticker | head -n 2')
      expect([code, stdout.split('\n').length, stderr]).toEqual([0, 2, ''])
    })
    test('that are followed go on over a killed sshd, and repeat and lose nothing', async () => {
      const following = project.start({}, 'logs', '-f', '-S', 'ticker', '-n', '5')
      await following.says('s2 ticker | v1')
      await ticksOn(following, 15)
      await killSessions()
      await following.says('s1 is connected again')
      await following.says('s2 is connected again')
      await ticksOn(following, 20)
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

  test('gives GitHub no command by what a container writes, and other programs every byte', async () => {
    const words = ['exec', '-H', 's1', 'ticker', 'echo', '::add-mask::ticker']
    const github = { GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: 'on-call' }
    expect((await project.jijiWith(github, ...words)).stdout).toBe(': :add-mask::ticker')
    const piped = `GITHUB_ACTIONS=true GITHUB_RUN_ID=on-call; export GITHUB_ACTIONS GITHUB_RUN_ID
sh -c '"$0" "$@" | cat' "${process.execPath}" "${program}" ${words.join(' ')}`
    expect((await project.shell(piped)).stdout).toBe('::add-mask::ticker')
  })

  describe('exec', () => {
    const hostile = [`it's "q" $(touch /tmp/pwned) \`id\` ; # \\ %s`, 'two\nlines', '', '-n', '🦜 ünï', '*']
    test('passes every word on as it is, and bytes and exit code back', async () => {
      const echo = 'for word; do printf "<%s>" "$word"; done; printf bad >&2; exit 3'
      for (const name of ['s1', 's2']) {
        const { code, stdout, stderr } = await project.jiji(
          'exec',
          '-H',
          name,
          'ticker',
          '--',
          'sh',
          '-c',
          echo,
          'sh',
          ...hostile,
        )
        expect([code, stdout, stderr]).toEqual([3, hostile.map(word => `<${word}>`).join(''), 'bad'])
        const { stdout: sum } = await project.shell(
          `jiji exec -H ${name} ticker -- head -c 100000 /bin/busybox | md5sum; jiji exec -H ${name} ticker sh -c 'head -c 100000 /bin/busybox | md5sum'`,
        )
        expect(new Set(sum.split('\n')).size).toBe(1)
      }
    })
    test('--all gives each line its place, and 7 when they do not agree', async () => {
      const words = ['sh', '-c', 'hostname; [ ! -e /tmp/odd ]']
      expect((await project.jiji('exec', '--all', 'ticker', ...words)).code).toBe(0)
      expect((await project.jiji('exec', '-H', 's2', 'ticker', 'touch', '/tmp/odd')).code).toBe(0)
      const { code, stdout, stderr } = await project.jiji('exec', '--all', 'ticker', ...words)
      expect(stdout.replace(/\| .*/g, '|').split('\n').toSorted()).toEqual(['s1 ticker |', 's2 ticker |'])
      expect(stderr).toContain('s2 ticker: ended with status 1')
      expect(code).toBe(7)
    })
    test('-i has a terminal of the same size, and its exit code', async () => {
      for (const name of ['s1', 's2']) {
        const { code, stdout } = await project.shell(
          `script -qec 'stty rows 41 cols 133; "${process.execPath}" "${program}" exec -i -H ${name} ticker -- sh -c "${untilSized}; stty size; exit 5"; echo "ended $?"; stty size; stty -a | grep -o " icanon"' /dev/null </dev/null`,
        )
        expect([code, stdout.replaceAll('^@', '').split(/\s*\n/)]).toEqual([
          0,
          ['41 133', 'ended 5', '41 133', ' icanon'],
        ])
      }
    })
    test('on the servers themselves', async () => {
      const { code, stdout } = await project.jiji('server', 'exec', 'printf', '<%s>\n', ...hostile.slice(0, 1), '-n')
      expect([code, stdout.split('\n').toSorted()]).toEqual([
        0,
        ['s1', 's2'].flatMap(name => [`${name} | <-n>`, `${name} | <${hostile[0]}>`]).toSorted(),
      ])
    })
  })

  describe('status', () => {
    type Row = Record<string, string> & { certificates: { host: string; expires: string }[] }
    const rows = async (...more: string[]): Promise<Row[]> =>
      JSON.parse((await project.jiji('status', '-o', 'json', ...more)).stdout).services
    test('says why a container is not healthy', async () => {
      await project.write({
        'ticker/Dockerfile': `FROM busybox:1
COPY tick.sh /
HEALTHCHECK --interval=1s --retries=1 CMD [ ! -e /tmp/ill ] || { echo the disk is ill; exit 1; }
CMD ["sh", "/tick.sh"]
`,
      })
      await deploy('v3', '-S', 'ticker', '-H', 's1') // Podman leaves its checks to systemd, which is not there
      await project.jiji('exec', 'ticker', 'touch', '/tmp/ill')
      const ticker = async () => (await rows('-S', 'ticker', '-H', 's1'))[0]
      await expect.poll(ticker).toMatchObject({ health: 'unhealthy', reason: 'its check fails: the disk is ill' })
      await must(
        rig.servers[0] as (typeof rig.servers)[0],
        'docker stop -t 0 $(docker ps -q --filter label=jiji.service=ticker)',
      )
      expect(await ticker()).toMatchObject({
        state: 'exited',
        health: 'down',
        reason: 'ended with status 137',
      })
    })
    test('says when a certificate expires', async () => {
      await project.write({
        '.jiji/deploy.yml': config()['.jiji/deploy.yml'].replace('{app_port', '{ssl: true, app_port'),
      })
      for (const { engine, ...server } of rig.servers) {
        const text = `{\n\tlocal_certs\n}\nimport sites/*.caddy\n`
        await must(
          { engine, ...server },
          `printf '${text}' | ${engine} exec -i jiji-proxy sh -c 'cat >/jiji/Caddyfile'`,
        )
      }
      await deploy('v4', '-S', 'web')
      await expect.poll(async () => (await rows('-S', 'web')).map(one => one.certificates.length)).toEqual([1, 1])
      const [{ certificates: [certificate] = [] } = {} as Row] = await rows('-S', 'web')
      const hours = (new Date(certificate?.expires ?? 0).getTime() - Date.now()) / 3_600_000
      expect([certificate?.host, hours > 1 && hours < 13]).toEqual([host, true]) // Caddy's own authority gives 12
    })
    test('--watch tells what changes, and shows a server that goes as such: exit 4 where it is the end', async () => {
      const watching = project.start({}, 'status', '--watch', '-S', 'web')
      await watching.says('web s2 v4 running healthy')
      await rig.servers[1]?.poweroff()
      await watching.says('web s2 - unreachable unknown')
      watching.kill('SIGINT')
      const { code, stdout } = await watching.result
      expect([code, stdout.match(/web s1 v4 running healthy/g)?.length]).toEqual([0, 1])
      const { code: status, stdout: table, stderr } = await project.jiji('status', '-S', 'web')
      expect(table).toMatch(/^web +s1 +v4 +running +healthy/m)
      expect(table).toMatch(/^web +s2 +- +unreachable +unknown: s2/m)
      expect([status, stderr]).toEqual([4, expect.stringContaining('1 of 2 servers failed')])
      const list = await project.jiji('server', 'list')
      expect(list.stdout).toMatch(/^s1 +s1 +- +docker \S+ +\S+ +ticker web +answered in \d+ ms$/m)
      expect([list.code, list.stdout]).toEqual([4, expect.stringMatching(/^s2 .* s2/m)])
      const logs = await project.jiji('proxy', 'logs', '--grep', 'serving initial configuration')
      expect([logs.code, logs.stdout]).toEqual([4, expect.stringContaining('s1 proxy | ')])
    })
  })
})
