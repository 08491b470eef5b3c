import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startAtBoot } from '../../src/shell/boot.ts'
import { exits } from '../../src/shell/engine.ts'
import { frame } from '../../src/shell/frame.ts'
import { waitForNames } from '../../src/shell/name-server.ts'
import { steadyNetwork } from '../../src/shell/network.ts'
import { defineAsRoot, readRootless, requireLinger } from '../../src/shell/rootless.ts'
import { lines, type Script, sh } from '../../src/shell/script.ts'
import { write } from '../config/folder.ts'
import { type Bench, benchWith, type Ran } from './shells.ts'

/** The places of a server's system that a script looks at, in the bench. */
const places = [
  '/var/lib/jiji',
  '/run/systemd/system',
  '/run/user',
  '/var/lib/systemd/linger',
  '/sys/fs/cgroup',
  '/proc/sys/net/ipv4',
]

function programs(bench: Bench, files: Readonly<Record<string, string>>): void {
  for (const [name, body] of Object.entries(files)) {
    write(bench.folder, { [name]: `#!/bin/sh\n${body}\n` })
    chmodSync(join(bench.folder, name), 0o755)
  }
}

function serverOf(id: number, { answers = '', files = {} as Record<string, string> } = {}): Bench {
  const bench = benchWith(answers)
  programs(bench, { id: `[ "$1" = -u ] && echo ${id} || echo ann` })
  write(bench.folder, files)
  return bench
}

/** Asks the shell that a runner starts, with the frame around it, in which the places are the bench's. */
async function run(bench: Bench, script: Script, environment: Record<string, string> = {}): Promise<Ran> {
  const moved = places.reduce(
    (text, place) => text.replaceAll(place, join(bench.folder, place)),
    frame(script, { isFed: true }),
  )
  const child = spawn('sh', { env: { ...process.env, XDG_RUNTIME_DIR: '', ...bench.environment, ...environment } })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', text => (said[stream] += String(text)))
  child.stdin.end(moved)
  const code = await new Promise<number | null>(resolve => void child.on('close', resolve))
  return { code, ...said }
}

const ask = readRootless('podman')

test.each<[string, number, Record<string, string>, string]>([
  ['root', 0, {}, ''],
  [
    'a user on cgroups v1',
    1001,
    { 'proc/sys/net/ipv4/ip_unprivileged_port_start': '1024\n', 'sys/fs/cgroup/cpu/tasks': '' },
    'rootless ann\nunprivileged 1024\nlimits v1\n',
  ],
  [
    'a user on cgroups v2',
    1001,
    {
      'proc/sys/net/ipv4/ip_unprivileged_port_start': '80\n',
      'sys/fs/cgroup/cgroup.controllers': 'cpu io memory pids\n',
      'sys/fs/cgroup/user.slice/user-1001.slice/user@1001.service/cgroup.controllers': 'memory pids\n',
    },
    'rootless ann\nunprivileged 80\nlimits v2 memory pids\n',
  ],
  [
    'a user without systemd on cgroups v2',
    1001,
    { 'sys/fs/cgroup/cgroup.controllers': 'cpu\n' },
    'rootless ann\nunprivileged \n',
  ],
])('what %s may do', async (_, id, files, expected) => {
  expect((await run(serverOf(id, { files }), ask)).stdout).toBe(expected)
})

const linger = lines(requireLinger('podman'), sh`echo "on $XDG_RUNTIME_DIR"`)
const systemd = { 'run/systemd/system/x': '' }
const lets =
  'mkdir -p "$BENCH/var/lib/systemd/linger" "$BENCH/run/user/1001" && touch "$BENCH/var/lib/systemd/linger/ann"'

test('containers stay when the last session ends, where the user may have that', async () => {
  const bench = serverOf(1001, { files: systemd })
  programs(bench, { loginctl: `echo "$*" >>"$BENCH/asked"; ${lets}` })
  expect(await run(bench, linger)).toMatchObject({ code: 0, stdout: `on ${bench.folder}/run/user/1001\n` })
  expect(await run(bench, linger)).toMatchObject({ code: 0 })
  expect(readFileSync(join(bench.folder, 'asked'), 'utf8')).toBe('--no-ask-password enable-linger ann\n')
})

test('where the user may not, that is said, with his name', async () => {
  const bench = serverOf(1001, { files: { ...systemd, 'run/user/1001/x': '' } })
  programs(bench, { loginctl: 'echo "Could not enable linger: Access denied" >&2; exit 1' })
  expect(await run(bench, linger)).toEqual({
    code: exits.noLinger,
    stdout: 'linger ann\n',
    stderr: 'Could not enable linger: Access denied\n',
  })
})

test('nobody is asked where there is no systemd, or the user is root', async () => {
  const without = serverOf(1001)
  const root = serverOf(0, { files: systemd })
  for (const bench of [without, root]) {
    programs(bench, { loginctl: 'touch "$BENCH/asked"; exit 1' })
    expect((await run(bench, linger)).stdout).toBe('on \n')
    expect(existsSync(join(bench.folder, 'asked'))).toBe(false)
  }
})

test.each([
  ['that it lacks', 1001, '', '/run/user/1001'],
  ['that it has', 1001, '/tmp', '/tmp'],
  ["that is another user's", 1001, '/run/user/none', '/run/user/1001'],
  ['of root, who needs none', 0, '', ''],
])('a session gets the folder in memory %s', async (_, id, given, expected) => {
  const bench = serverOf(id, { files: { 'run/user/1001/x': '', 'run/user/0/x': '' } })
  const { stdout } = await run(bench, sh`echo "$XDG_RUNTIME_DIR"`, { XDG_RUNTIME_DIR: given })
  expect(stdout.trim()).toBe(expected.startsWith('/run') ? join(bench.folder, expected) : expected)
})

test('a unit of the user starts what runs, when the server does', async () => {
  const bench = serverOf(1001, { files: { ...systemd, 'run/user/1001/x': '', '.local/state/jiji/shop/x': '' } })
  programs(bench, { loginctl: lets, systemctl: 'echo "$XDG_RUNTIME_DIR $*" >>"$BENCH/asked"' })
  await run(bench, lines(startAtBoot('podman', 'shop'), startAtBoot('podman', 'shop')))
  const unit = readFileSync(join(bench.folder, '.config/systemd/user/jiji.service'), 'utf8')
  expect(unit).toContain(
    `ExecStart=/bin/sh ${bench.folder}/.local/state/jiji/start\n[Install]\nWantedBy=default.target\n`,
  )
  const runtime = `${bench.folder}/run/user/1001`
  const asked = `${runtime} --user daemon-reload\n${runtime} --user enable jiji.service\n`
  expect(readFileSync(join(bench.folder, 'asked'), 'utf8')).toBe(asked)
})

test.each([
  ['docker', 1001, 'x\n', []],
  ['podman', 0, 'x\n', []],
  ['podman', 1001, '', [['podman', 'unshare', 'echo', 'x']]],
] as const)('%s has for root whom user %i can be', async (engine, id, stdout, calls) => {
  const bench = serverOf(id)
  expect(
    (
      await run(
        bench,
        sh`${defineAsRoot(engine)}
as_root echo x`,
      )
    ).stdout,
  ).toBe(stdout)
  expect(bench.calls()).toEqual(calls)
})

test("the bridge of Podman's network keeps the address that it has", async () => {
  const answers = `'network inspect '*) echo podman1 ;;
'unshare '*) shift 2; "$@" ;;`
  for (const id of [0, 1001]) {
    const bench = serverOf(id, { answers })
    programs(bench, {
      ip: `case "$*" in *show*) echo '3: podman1: <UP> mtu 1500 \\    link/ether 0a:6e:6c:b9:7a:9a brd ff:ff:ff:ff:ff:ff' ;; *) echo "$*" >>"$BENCH/fixed" ;; esac`,
    })
    await run(bench, steadyNetwork('podman'))
    expect(readFileSync(join(bench.folder, 'fixed'), 'utf8')).toBe('link set dev podman1 address 0a:6e:6c:b9:7a:9a\n')
    expect(bench.calls().some(call => call.includes('--rootless-netns'))).toBe(id !== 0)
  }
})

test('without the program for that, the bridge at least tells of a change', async () => {
  const bench = serverOf(0, {
    answers: `'network inspect '*) echo podman1 ;;`,
    files: { 'proc/sys/net/ipv4/conf/podman1/arp_notify': '0\n' },
  })
  programs(bench, { ip: 'exit 127' })
  await run(bench, steadyNetwork('podman'))
  expect(readFileSync(join(bench.folder, 'proc/sys/net/ipv4/conf/podman1/arp_notify'), 'utf8')).toBe('1\n')
})

test("a user's name server is found where his Podman has it", async () => {
  const answers = `'exec '*) exit 1 ;;\n'info '*) echo "$BENCH/run/containers" ;;`
  const bench = serverOf(1001, { answers })
  const server = spawn('sh', ['-c', 'trap "echo heard" HUP; echo ready; while :; do sleep 0.02; done'])
  const heard = new Promise<void>(resolve =>
    server.stdout.on('data', text => {
      if (String(text).includes('heard')) resolve()
    }),
  )
  await new Promise(resolve => server.stdout.once('data', resolve))
  write(bench.folder, { 'run/containers/networks/aardvark-dns/aardvark.pid': `${server.pid}` })
  await run(bench, waitForNames(['app-web-a']))
  await heard
  server.kill('SIGKILL')
})
