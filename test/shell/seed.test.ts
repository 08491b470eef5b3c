import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findLayers, giveImages, type Neighbour, tryLogins } from '../../src/shell/seed.ts'
import { type Bench, benchWith, shells } from './shells.ts'

/** A bench whose `ssh` does what is told for a host; its stdin is the server's. */
function benchWithSsh(hosts: Record<string, string>, answers = ''): Bench {
  const bench = benchWith(answers)
  const cases = Object.entries(hosts).map(([host, deed]) => `*" -- ${host} "*) ${deed} ;;`)
  const known = '-oUserKnownHostsFile=*) cat "${word#*=}" >"$BENCH/known" ;;'
  const text = `#!/bin/sh\nfor word; do case $word in ${known} esac; done\ncase " $* " in\n${cases.join('\n')}\nesac\n`
  writeFileSync(join(bench.folder, 'ssh'), text)
  chmodSync(join(bench.folder, 'ssh'), 0o755)
  return bench
}

const neighbour = (server: string): Neighbour => ({
  server,
  user: 'me',
  host: `${server}.example.com`,
  port: 2222,
  hostKey: `ssh-ed25519 ${server}`,
})
const privateFolders = () => readdirSync('/dev/shm').filter(name => name.startsWith('jiji.'))
const isGone = (pid: string) =>
  !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

describe.each(shells.map(shell => [shell.join(' '), shell] as const))('in %s a server', (_, shell) => {
  test('tells whom it may log in to, and of the others why not', async () => {
    const bench = benchWithSsh({
      'web2.example.com': '[ "$(cat)" = "" ]',
      'web3.example.com': 'echo one >&2; echo "me@b: Permission denied." >&2; exit 255',
      'web4.example.com': 'exit 255',
    })
    const before = privateFolders()
    const { code, stdout, stderr } = await bench.run(tryLogins(['web2', 'web3', 'web4'].map(neighbour)), { shell })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe('trusted web2\nrefused web3 me@b: Permission denied.\nrefused web4 \n')
    expect(readFileSync(join(bench.folder, 'known'), 'utf8')).toBe(
      'web2 ssh-ed25519 web2\nweb3 ssh-ed25519 web3\nweb4 ssh-ed25519 web4\n',
    )
    // Other tests, which run meanwhile, have such folders too, for a moment.
    const others = privateFolders().filter(name => !before.includes(name))
    await expect.poll(() => privateFolders().filter(name => others.includes(name))).toEqual([])
  })

  test('stops trying when nobody is there to hear it', async () => {
    const waits = `echo $$ >"$BENCH/$$.pid"; exec sleep 300`
    const bench = benchWithSsh({ 'web2.example.com': waits, 'web3.example.com': 'kill -TERM $PPID; exec sleep 1' })
    const began = Date.now()
    const { code } = await bench.run(tryLogins([neighbour('web2'), neighbour('web3')]), { shell })
    expect([code, Date.now() - began < 100_000]).toEqual([143, true])
    for (const name of readdirSync(bench.folder).filter(name => name.endsWith('.pid')))
      await expect.poll(() => isGone(name.replace('.pid', ''))).toBe(true)
  })

  test('hands images on as its engine writes them', async () => {
    const bench = benchWithSsh({ 'web2.example.com': 'cat >"$BENCH/arrived"; echo Loaded' }, `'save '*) echo image ;;`)
    const script = giveImages('docker', ['a:1', 'b:1'], 'podman', neighbour('web2'))
    expect(await bench.run(script, { shell })).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(bench.folder, 'arrived'), 'utf8')).toBe('image\n')
    expect(bench.calls()).toEqual([['docker', 'save', 'a:1', 'b:1']])
  })

  test('says how that has ended there', async () => {
    const bench = benchWithSsh({ 'web2.example.com': 'echo "no space" >&2; exit 9' }, `'save '*) yes ;;`)
    const { code, stderr } = await bench.run(giveImages('docker', ['a:1'], 'podman', neighbour('web2')), { shell })
    expect([code, stderr]).toEqual([9, expect.stringContaining('no space\n')])
  })

  test('ends both sides when nobody is there to wait for it', async () => {
    const bench = benchWithSsh(
      { 'web2.example.com': `echo $$ >"$BENCH/ssh.pid"; kill -TERM "$(cat "$BENCH/sh.pid")"; exec sleep 30` },
      `'save '*) echo $$ >"$BENCH/save.pid"; echo $PPID >"$BENCH/sh.pid"; yes ;;`,
    )
    await bench.run(giveImages('docker', ['a:1'], 'podman', neighbour('web2')), { shell })
    for (const name of ['ssh', 'save'])
      await expect.poll(() => isGone(readFileSync(join(bench.folder, `${name}.pid`), 'utf8').trim())).toBe(true)
  })
})

describe('several images', () => {
  test.each<['docker' | 'podman', string[], string]>([
    ['docker', ['a', 'b'], 'docker save a b |'],
    ['podman', ['a'], 'podman save a |'],
    ['podman', ['a', 'b'], 'podman save --multi-image-archive a b |'],
  ])('%s %j', (engine, names, words) =>
    expect(`${giveImages(engine, names, engine, neighbour('web2'))}`).toContain(words),
  )
  test('are asked about at once', () => {
    expect(`${findLayers('podman')}`).toContain('podman image inspect --format')
  })
})
