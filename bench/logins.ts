import { readFileSync } from 'node:fs'
import { execa } from 'execa'
import { createProject, type Project, program, serversOf } from '../test/e2e/harness.ts'
import { type Registry, startRegistry } from '../test/e2e/rig/registry.ts'
import { type Rig, rigUnavailable, startRig } from '../test/e2e/rig/rig.ts'
import { must, type Server } from '../test/e2e/rig/server.ts'
import { ensureDocker } from '../test/machine/engine.mjs'
import { median, printTable } from './table.mjs'

const runs = 3
const count = 30
const password = 'bench-password'

/** `registry login` to many servers and to one: with Podman itself, and with one that only takes its time. */
export async function measureLogins(): Promise<void> {
  const unavailable = rigUnavailable()
  if (unavailable) return console.log(`\nskipped: logins: ${unavailable} (npm test installs what it can)`)
  const docker = await ensureDocker()
  try {
    await withRig(measureAll)
  } finally {
    await docker.stop()
  }
}

async function withRig(use: (rig: Rig, registry: Registry, project: Project) => Promise<void>): Promise<void> {
  const rig = await startRig({ servers: Array.from({ length: count }, () => 'podman'), name: 'logins' })
  try {
    const { controller: address, servers } = rig
    const registry = await startRegistry({ address, users: { bot: password }, trustedBy: servers })
    const project = await createProject({ '.jiji/deploy.yml': configuration(rig, registry) })
    try {
      await use(rig, registry, project)
    } finally {
      await project.remove()
      await registry.stop()
    }
  } finally {
    await rig.stop()
  }
}

function configuration(rig: Rig, registry: Registry): string {
  return `project: bench
builder: {registry: {server: "${registry.host}", username: bot, password: TOKEN}}
${serversOf(rig)}
services: {web: {image: "${registry.host}/web", hosts: [s1]}}
`
}

async function measureAll({ servers }: Rig, registry: Registry, project: Project): Promise<void> {
  const rows = await measureBoth(project, "Podman's own", 'no')
  const seconds = await standIn(registry, servers)
  rows.push(...(await measureBoth(project, 'none: it sleeps', 'no')))
  try {
    for (const server of servers) await server.delay(50)
    rows.push(...(await measureBoth(project, 'none: it sleeps', '100 ms')))
  } catch (error) {
    if (!String(error).includes('cc: ')) throw error
    rows.push(['none: it sleeps', '100 ms', 'skipped: needs a C compiler'])
  }
  printTable(
    `registry login, median of ${runs} runs (the mark: to ${count} servers at most 1.5 times what one takes)`,
    ['work of the engine', 'round trip', 'servers', 'time', 'ratio', 'CPU of jiji', 'of all'],
    rows,
  )
  console.log(`
CPU of jiji: with what it starts on this machine, in seconds; of all: with the registry and every server's sshd and engine,
which are on this machine too: where that is about as much as its processors have, they are what is measured
sleeps: in Podman's place, ${seconds.toFixed(2)} s for each login, as Podman took on one server`)
}

async function measureBoth(project: Project, engine: string, delay: string): Promise<string[][]> {
  const one = await measure(project, ['-H', 's1'])
  const all = await measure(project, [])
  const row = (servers: number, { seconds, own, busy }: Measured) => [
    ...[engine, delay, String(servers), `${seconds.toFixed(2)} s`, (seconds / one.seconds).toFixed(2)],
    ...[own.toFixed(2), busy.toFixed(2)],
  ]
  return [row(1, one), row(count, all)]
}

/** Seconds: of the clock, of work by jiji and what it starts here, and of work by this whole machine. */
type Measured = { seconds: number; own: number; busy: number }

async function measure(project: Project, words: string[]): Promise<Measured> {
  await logIn(project, words) // what is only done once is done
  const measured: Measured[] = []
  for (let run = 0; run < runs; run++) measured.push(await logIn(project, words))
  const middle = (of: (one: Measured) => number) => median(measured.map(of))
  return { seconds: middle(one => one.seconds), own: middle(one => one.own), busy: middle(one => one.busy) }
}

async function logIn(project: Project, words: string[]): Promise<Measured> {
  const command = [process.execPath, program, 'registry', 'login', '--skip-local', ...words]
  const before = busySeconds()
  const start = performance.now()
  const { stdout } = await execa('sh', ['-c', '"$@" >&2 && times', 'sh', ...command], {
    cwd: project.folder,
    env: { TOKEN: password },
    timeout: 120_000,
  })
  const seconds = (performance.now() - start) / 1000
  return { seconds, own: childSeconds(stdout), busy: busySeconds() - before }
}

/** The second line that the shell's `times` prints: `0m0.52s 0m0.04s`. */
function childSeconds(times: string): number {
  const parts = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
  return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
}

/** What all processors of this machine have worked since it was started. */
function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0] = (
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number)
  return (user + nice + system + interrupts + soft) / 100
}

/** Puts a program in Podman's place that only takes the time that a login takes. @returns how much that is */
async function standIn(registry: Registry, servers: Server[]): Promise<number> {
  const [first] = servers
  if (!first) return 0
  const words = `--authfile /tmp/auth.json --username bot --password-stdin ${registry.host}`
  const start = performance.now()
  await must(first, `podman version >/dev/null && podman login ${words}`, { input: password })
  const seconds = (performance.now() - start) / 1000
  const script = `#!/bin/sh
case $1 in
  version) echo '{"version":"4.3.1","arch":"linux/amd64"}' ;;
  login) cat >/dev/null; sleep ${seconds.toFixed(3)} ;;
esac
`
  const install = 'cat >/usr/local/bin/podman && chmod 755 /usr/local/bin/podman'
  for (const server of servers) await must(server, install, { input: script })
  return seconds
}
