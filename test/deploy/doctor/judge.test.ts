import { describe, expect, test } from 'vitest'
import { judgeUser } from '../../../src/deploy/doctor/access.ts'
import { type Answers, readAnswers } from '../../../src/deploy/doctor/answers.ts'
import { judgeClock } from '../../../src/deploy/doctor/clock.ts'
import { judgeDisk } from '../../../src/deploy/doctor/disk.ts'
import { judgeArch, judgeEngine } from '../../../src/deploy/doctor/engine.ts'
import { type Finding, failureOf, type Verdict } from '../../../src/deploy/doctor/finding.ts'
import { judgeBuild } from '../../../src/deploy/doctor/here.ts'
import { judgeLocalRegistry } from '../../../src/deploy/doctor/local-registry.ts'
import { judgeLoopback } from '../../../src/deploy/doctor/loopback.ts'
import { judgeMemory } from '../../../src/deploy/doctor/memory.ts'
import { judgePorts } from '../../../src/deploy/doctor/ports.ts'
import { judgeProxy } from '../../../src/deploy/doctor/proxy.ts'
import { judgeEnd, judgePort } from '../../../src/deploy/doctor/tunnel.ts'
import { recorder } from '../../../src/runner/recorder.ts'

const said = (...lines: string[]): Answers => readAnswers(lines.join('\n'))
/** As `state cause`, or as what was seen where it is ok. */
const brief = (verdict: Verdict | undefined) =>
  verdict && (verdict.state === 'ok' ? `ok ${verdict.message}` : `${verdict.state} ${verdict.cause}`)
const proxy = { image: 'caddy:2', http_port: 80, https_port: 443 }

describe('the clock', () => {
  const noon = 1_790_000_000_000
  test.each<[string, number, number, number, string]>([
    ['the same', 0, 0, 10, 'ok agrees with the clock here'],
    ['the same, after a long way', 7, 0, 9000, 'ok agrees with the clock here'],
    ['5 s ahead', 5, 0, 10, 'ok agrees with the clock here'],
    ['7 s ahead', 7, 0, 10, 'warning clock-skew'],
    ['5 s behind', -5, 0, 10, 'ok agrees with the clock here'],
    ['6 s behind, of which one may be the rest of a second', -6, 0, 10, 'ok agrees with the clock here'],
    ['7 s behind', -7, 0, 10, 'warning clock-skew'],
  ])('%s', (_, seconds, sent, heard, expected) =>
    expect(brief(judgeClock({ clock: noon / 1000 + seconds }, { sent: noon + sent, heard: noon + heard }))).toBe(
      expected,
    ),
  )
  test.each([
    [38, 'its clock is 38 s ahead of the one here'],
    [-3600, 'its clock is 60 min behind the one here'],
  ])('%i s are said', (seconds, message) =>
    expect(judgeClock({ clock: noon / 1000 + seconds }, { sent: noon, heard: noon }).message).toBe(message),
  )
  test('that is not told', () =>
    expect(brief(judgeClock({ clock: undefined }, { sent: 0, heard: 0 }))).toBe('unknown no-clock'))
})

describe('the disk', () => {
  test.each([
    [['disk engine /dev/a 100000000 50000000 50000000 50% /'], 'ok 51 GB of 102 GB free in /'],
    [
      ['disk engine /dev/a 100000000 1 50000000 1% /', 'disk state /dev/a 100000000 1 50000000 1% /var'],
      'ok 51 GB of 102 GB free in /var',
    ],
    [['disk engine /dev/a 100000000 1 9000000 91% /'], 'warning disk-low'],
    [['disk engine /dev/a 5000000 1 900000 82% /'], 'warning disk-low'],
    [['disk engine /dev/a 5000000 1 0 100% /'], 'problem disk-full'],
    [['disk state /dev/a 9000000 1 9000000 0% /', 'inodes state /dev/a 100 91 9 91% /'], 'warning disk-low'],
    [['disk state /dev/a 9000000 1 9000000 0% /', 'inodes state /dev/a 100 100 0 100% /'], 'problem disk-full'],
    [[], 'unknown no-df'],
  ])('%j', (lines, expected) => expect(brief(judgeDisk(said(...lines)))).toBe(expected))
})

describe('the engine', () => {
  const engine = (status: number, version: string) =>
    said(`said {"version":"${version}","arch":"amd64"}`, `engine ${status}`)
  test.each<['docker' | 'podman', Answers, string]>([
    ['docker', engine(0, '28.2.2'), 'ok docker 28.2.2, amd64'],
    ['docker', engine(0, '19.03.15'), 'ok docker 19.03.15, amd64'],
    ['docker', engine(0, '18.09.1'), 'problem engine-old'],
    ['podman', engine(0, '4.0.0-rc1'), 'ok podman 4.0.0-rc1, amd64'],
    ['podman', engine(0, '3.4.4'), 'problem engine-old'],
    ['docker', engine(90, ''), 'problem engine.missing'],
    ['docker', engine(91, ''), 'problem engine.denied'],
    ['docker', engine(92, ''), 'problem engine.failed'],
    ['podman', said('said elsewhere docker 2', 'engine 80'), 'problem engine.changed'],
    ['docker', said(), 'problem engine-hangs'],
    ['podman', said('said {"version":"4.3.1"}', 'engine 0', 'lacks ids', 'lacks network'), 'problem no-subids'],
    ['podman', said('said {"version":"4.3.1"}', 'engine 0', 'lacks network'), 'problem no-user-network'],
  ])('%s %#', (name, answers, expected) => expect(brief(judgeEngine(recorder('s1'), name, answers))).toBe(expected))

  test.each([
    [undefined, 'amd64', 'ok amd64'],
    ['arm64', 'amd64', 'problem other-arch'],
    [undefined, 'arm64', 'problem other-arch'],
    [undefined, undefined, undefined],
  ])('configured %s, built %s', (arch, built, expected) =>
    expect(brief(judgeArch(engine(0, '28'), { server: 's1', arch, built }))).toBe(expected),
  )
})

test.each([
  ['docker', ['user 0 root'], 'ok root'],
  [
    'docker',
    ['user 1000 dora', 'groups dora docker', 'sudo free'],
    'ok dora, in the group docker, sudo works without a password',
  ],
  ['podman', ['user 1000 dora', 'groups docker', 'sudo asks'], 'ok dora, sudo wants a password; a deploy needs none'],
  ['podman', ['user 1000 dora', 'linger no'], 'warning no-linger'],
  ['docker', [], 'unknown no-answer'],
] as const)('a user of %s: %j', (engine, lines, expected) =>
  expect(brief(judgeUser(engine, said(...lines)))).toBe(expected),
)

test.each([
  [['memory tmpfs /dev/shm', 'memory asked'], 'ok credentials of a pull are in memory (/dev/shm)'],
  [['memory ext2/ext3 /tmp', 'memory asked'], 'warning not-in-memory'],
  [['memory unknown /dev/shm', 'memory asked'], 'unknown no-stat'],
  [['memory asked'], 'problem memory-full'],
  [[], 'unknown no-answer'],
])('memory: %j', (lines, expected) => expect(brief(judgeMemory(said(...lines)))).toBe(expected))

describe('the ports of the proxy', () => {
  const root = 'user 0 root'
  const header = 'listen State'
  const listens = (address: string) => `listen LISTEN 0 1 ${address} 0.0.0.0:* users:(("nginx",pid=1,fd=1))`
  test.each([
    [[root, header], 'ok 80 is free, 443 is free'],
    [[root, header, listens('0.0.0.0:80')], 'problem port-taken'],
    [[root, header, listens('127.0.0.1:443')], 'problem port-taken'],
    [[root, header, listens('0.0.0.0:80'), 'proxy running caddy:2 80 443'], 'ok 80 is ours, 443 is ours'],
    [[root, header, listens('0.0.0.0:80'), 'proxy exited caddy:2 80 443'], 'problem port-taken'],
    [['user 1 dora', header, 'unprivileged 1024'], 'problem port-privileged'],
    [['user 1 dora', header, 'unprivileged 80'], 'ok 80 is free, 443 is free'],
    [[root], 'unknown no-ss'],
  ])('%j', (lines, expected) => expect(brief(judgePorts(proxy, said(...lines)))).toBe(expected))
})

test.each([
  [[], 'ok not there yet: a deploy starts it'],
  [['proxy running caddy:2 80 443', 'caddy v2.8.4 h1:x'], 'ok runs, Caddy 2.8.4, caddy:2'],
  [['proxy exited caddy:2 80 443'], 'problem proxy-stopped'],
  [['proxy running caddy:2 8080 443'], 'problem proxy-differs'],
])('the proxy: %j', (lines, expected) =>
  expect(brief(judgeProxy(proxy, 'docker', said('engine 0', ...lines)))).toBe(expected),
)

test.each([
  [
    ['address inet 127.0.0.1/8', 'address inet6 ::1/128', 'resolved localhost 127.0.0.1'],
    'ok 127.0.0.1 and ::1; localhost is 127.0.0.1',
  ],
  [['address inet 10.0.0.1/0', 'resolved localhost 127.0.0.1 ::1'], 'ok 127.0.0.1; localhost is 127.0.0.1, ::1'],
  [['address inet 127.0.0.1/8', 'resolved localhost ::1'], 'warning odd-localhost'],
  [['address inet6 ::1/128'], 'problem no-loopback'],
  [[], 'unknown no-ip'],
])('loopback: %j', (lines, expected) => expect(brief(judgeLoopback(said(...lines)))).toBe(expected))

describe('the tunnel', () => {
  const by = 'listen LISTEN 0 1 127.0.0.1:9270 0.0.0.0:* users:(("other",pid=1,fd=1))'
  test.each([
    [9270, 9270, ['user 0 root'], 'ok its 127.0.0.1:9270 leads to port 9270 here'],
    [9270, 40000, ['user 0 root', by], 'warning tunnel-port-taken'],
    [900, 40000, ['user 1 dora', by], 'warning tunnel-port-privileged'],
    [900, 40000, ['user 0 root', by], 'warning tunnel-port-taken'],
  ])('wanted at %i, bound at %i', (wanted, bound, lines, expected) =>
    expect(brief(judgePort(wanted, bound, said(...lines)))).toBe(expected),
  )
  test.each([
    ['127.0.0.1', undefined],
    ['0.0.0.0', 'problem gateway-ports'],
    ['::', 'problem gateway-ports'],
    ['*', 'problem gateway-ports'],
  ])('that ends at %s', (address, expected) => expect(brief(judgeEnd([{ address, port: 1 }]))).toBe(expected))
})

describe('the local registry', () => {
  const registry = { type: 'local', port: 9270, image: 'registry:2' } as const
  const container = { isRunning: true, image: 'registry:2', port: 9270 }
  test.each([
    [{ container, isTaken: true, answers: true }, 'ok registry:2 on 127.0.0.1:9270'],
    [{ container, isTaken: true, answers: false }, 'problem registry-silent'],
    [{ container: undefined, isTaken: false, answers: false }, 'ok not there yet: a deploy starts it'],
    [{ container: undefined, isTaken: true, answers: true }, 'problem port-taken'],
    [
      { container: { ...container, isRunning: false }, isTaken: false, answers: false },
      'ok it does not run: a deploy starts it',
    ],
    [{ container: { ...container, isRunning: false }, isTaken: true, answers: false }, 'problem port-taken'],
    [{ container: { ...container, port: 9271 }, isTaken: false, answers: false }, 'warning registry-differs'],
    [{ container: { ...container, image: 'registry:3' }, isTaken: true, answers: true }, 'warning registry-differs'],
  ])('%j', (seen, expected) => expect(brief(judgeLocalRegistry('docker', registry, seen))).toBe(expected))
})

test.each([
  ['podman', [], [], 'ok podman build'],
  ['docker', ['tool buildx'], [], 'ok BuildKit, by the plug-in buildx'],
  ['docker', ['client 20.10.24'], [], 'ok BuildKit, as Docker 20.10.24 has it built in'],
  ['docker', ['client 28.2.2'], [], 'warning no-buildkit'],
  ['docker', ['client 28.2.2'], ['NPM_TOKEN'], 'problem no-buildkit'],
  ['docker', [], [], 'unknown no-client'],
  ['docker', ['tool buildx'], [], 'ok BuildKit, by the plug-in buildx', 'gha'],
  ['docker', ['client 20.10.24'], [], 'ok BuildKit, as Docker 20.10.24 has it built in', 'inline'],
  ['docker', ['client 20.10.24'], [], 'problem no-buildx', 'registry'],
  ['docker', ['client 28.2.2'], [], 'problem no-buildx', 'inline'],
] as const)(
  'a build with %s: %j, secrets %j',
  (engine, lines, secrets, expected, cache?: 'inline' | 'registry' | 'gha') => {
    const build = { context: '.', args: {}, ssh: [], secrets: secrets as never }
    const builder = {
      engine,
      cache: { type: cache ?? 'engine' },
      remote: undefined,
      remotes: {},
      registry: { type: 'local', port: 1, image: 'x' },
    } as const
    expect(brief(judgeBuild({ builder }, [{ name: 'web', build }], said(...lines)))).toBe(expected)
  },
)

describe('all together fails', () => {
  const finding = (code: Finding['code']): Finding => ({
    place: 's1',
    check: 'x',
    state: 'problem',
    message: '',
    ...(code ? { code } : {}),
  })
  test.each<[Finding['code'][], number | undefined]>([
    [[], undefined],
    [['engine.failed'], 1],
    [['engine.failed', 'registry.refused'], 3],
    [['registry.refused', 'server.timeout', 'port.taken'], 4],
  ])('%j with %s', (codes, status) => expect(failureOf(codes.map(finding))?.exitStatus).toBe(status))
  test('not with warnings and what is unknown', () =>
    expect(
      failureOf([
        { place: 'here', check: 'x', state: 'warning', message: '' },
        { place: 'here', check: 'x', state: 'unknown', message: '' },
      ]),
    ).toBeUndefined())
})
