import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { initServer, type Step } from '../../src/shell/server-init.ts'
import { benchWith } from './shells.ts'

const network: Step = { do: 'network' }
const byApt: Step = { do: 'install', manager: 'apt', names: ['podman', 'netavark'], whereKnown: [] }
const steps = (stdout: string) => [...stdout.matchAll(/^step (\w+)$/gm)].map(([, step]) => step)

/** A bench whose apt-get does what a line of shell says; `$BENCH` is its folder. */
function benchWithApt(line: string) {
  const bench = benchWith()
  const file = join(bench.folder, 'apt-get')
  writeFileSync(file, `#!/bin/sh\n${line}\n`)
  chmodSync(file, 0o755)
  const read = (name: string) => readFileSync(join(bench.folder, name), 'utf8').trim().split('\n')
  return { ...bench, read, has: (name: string) => existsSync(join(bench.folder, name)) }
}

describe('apt', () => {
  test('is asked for its lists, and then for packages, without questions and with the umask of a login', async () => {
    const bench = benchWithApt(
      `echo "$* ($DEBIAN_FRONTEND $NEEDRESTART_SUSPEND $(umask))" >>"$BENCH/said"; [ -t 0 ] || read -r x && exit 7; exit 0`,
    )
    const { code, stdout } = await bench.run(initServer('podman', [byApt, network]))
    expect([code, steps(stdout)]).toEqual([0, ['install', 'network']])
    const keep = '-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold'
    expect(bench.read('said')).toEqual([
      'update -q (noninteractive 1 0022)',
      `install --no-install-recommends -y -q -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 ${keep} podman netavark (noninteractive 1 0022)`,
    ])
  })

  test('says its last lines when it fails, and nothing comes after it', async () => {
    const bench = benchWithApt(`[ "$1" = update ] || { seq 30; echo 'E: no such thing' >&2; exit 100; }`)
    const { code, stdout, stderr } = await bench.run(initServer('podman', [byApt, network]))
    expect([code, steps(stdout)]).toEqual([1, ['install']])
    expect(stderr.trim().split('\n')).toEqual([
      ...Array.from({ length: 19 }, (_, i) => `${i + 12}`),
      'E: no such thing',
    ])
  })

  test('may install what it knows when its lists cannot be fetched', async () => {
    const bench = benchWithApt(`[ "$1" != update ]`)
    expect((await bench.run(initServer('podman', [byApt]))).code).toBe(0)
  })

  test('is not stopped half-way when nobody wants it to go on, and nothing comes after it', async () => {
    const bench = benchWithApt(
      `[ "$1" != install ] || { touch "$BENCH/begun"; echo unpacking; sleep 1; echo setting up && touch "$BENCH/ended"; }`,
    )
    const beats = new AbortController()
    const timer = setInterval(() => bench.has('begun') && beats.abort(), 10)
    const { code } = await bench.run(initServer('podman', [byApt, network]), { beats: beats.signal })
    clearInterval(timer)
    expect([code, bench.has('ended')]).toEqual([143, true])
    expect(bench.calls().filter(([program]) => program === 'podman')).toEqual([])
  })

  test('goes on when nobody hears it any more', async () => {
    const bench = benchWithApt(
      `[ "$1" != install ] || { echo unpacking; sleep 0.3; echo setting up && touch "$BENCH/ended"; }`,
    )
    await bench.run(initServer('podman', [byApt]), { deafAt: 'step install' })
    expect(bench.has('ended')).toBe(true)
  })
})

describe('Docker', () => {
  test.each([
    ['systemd', ['systemctl enable --now docker']],
    ['openrc', ['rc-update add docker default', 'rc-service docker start']],
    ['service', ['service docker start']],
  ] as const)('is started by %s, and is waited for', async (by, expected) => {
    const bench = benchWith(`'version'*) echo '{"version":"27","arch":"amd64"}' ;;`)
    const { code, stdout } = await bench.run(initServer('docker', [{ do: 'start', by }]))
    expect([code, stdout]).toEqual([0, expect.stringContaining('engine {"version":"27","arch":"amd64"}')])
    const calls = bench.calls().map(call => call.join(' '))
    expect(calls.filter(call => !call.startsWith('docker '))).toEqual(expected)
  })
})

test('a Podman is told which registry the image of the proxy is from', async () => {
  const bench = benchWith(`'image inspect '*) exit 1 ;;`)
  await bench.run(initServer('podman', [{ do: 'proxy', image: 'caddy:2', http_port: 80, https_port: 443 }]))
  expect(bench.calls()).toContainEqual(['podman', 'pull', '-q', 'docker.io/library/caddy:2'])
})
