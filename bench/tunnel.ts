import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Registry, startRegistry } from '../test/e2e/rig/registry.ts'
import { type Rig, rigUnavailable, startRig } from '../test/e2e/rig/rig.ts'
import { must, type Server } from '../test/e2e/rig/server.ts'
import { printTable } from './table.mjs'

const megabyte = 1_000_000
const cipher = 'aes128-gcm@openssh.com'

/** Layers through a tunnel of jiji's, against `ssh -R` with the same cipher and against a copy without any tunnel. */
export async function measureTunnel(): Promise<void> {
  const unavailable = rigUnavailable() ?? (await missing('curl'))
  if (unavailable) return console.log(`\nskipped: tunnel: ${unavailable} (npm test installs what it can)`)
  const rig = await startRig({ servers: ['none', 'none', 'none', 'none'], name: 'tunnel' })
  const registry = await startRegistry({ address: '127.0.0.1', tls: false })
  try {
    await measureAll(rig, registry)
  } finally {
    await registry.stop()
    await rig.stop()
  }
}

type Load = { name: string; paths: string[]; megabytes: number }

async function measureAll(rig: Rig, registry: Registry): Promise<void> {
  const one = { name: '1 x 200 MB', paths: [await putLayer(registry, 200)], megabytes: 200 }
  const paths = await Promise.all([1, 2, 3, 4].map(() => putLayer(registry, 100)))
  const four = { name: '4 x 100 MB', paths, megabytes: 400 }
  const rows: string[][] = []
  for (const load of [one, four]) rows.push(['no tunnel', load.name, '-', 'no', `${await direct(registry, load)} MB/s`])
  for (const servers of [rig.servers.slice(0, 1), rig.servers])
    for (const load of [one, four]) rows.push(...(await compare(rig, registry, load, servers, 'no')))
  try {
    const [first] = rig.servers
    for (const delay of [25, 75]) {
      await first?.delay(delay)
      for (const load of [one, four])
        rows.push(...(await compare(rig, registry, load, rig.servers.slice(0, 1), `${2 * delay} ms`)))
    }
  } catch (error) {
    if (!String(error).includes('cc: ')) throw error
    rows.push(['skipped', 'with a delay: needs a C compiler'])
  }
  printTable(
    `through a tunnel, the median of 3 runs of about a second each, in turn (the mark: at least 0.9 of ssh -R with ${cipher})`,
    [
      ...['carrier', 'layers', 'servers', 'round trip', 'rate', 'ratio'],
      ...['CPU here', 'CPU of sshd', 'peak memory here', 'of one sshd'],
    ],
    rows,
  )
}

type Measured = Cost & { rate: number; sshd: Cost }

async function compare(
  rig: Rig,
  registry: Registry,
  load: Load,
  servers: Server[],
  delay: string,
): Promise<string[][]> {
  const runs: Record<'ssh' | 'jiji', Measured[]> = { ssh: [], jiji: [] }
  for (let round = 0; round < 3; round++) {
    runs.ssh.push(await measure(withSsh, rig, registry, load, servers))
    runs.jiji.push(await measure(withJiji, rig, registry, load, servers))
  }
  const [ssh, jiji] = [median(runs.ssh), median(runs.jiji)]
  const row = (name: string, { rate, seconds, megabytes, sshd }: Measured) => [
    ...[name, load.name, String(servers.length), delay, `${Math.round(rate)} MB/s`, (rate / ssh.rate).toFixed(2)],
    ...[`${seconds.toFixed(2)} s`, `${sshd.seconds.toFixed(2)} s`],
    ...[`${Math.round(megabytes)} MB`, `${Math.round(sshd.megabytes)} MB`],
  ]
  return [row('ssh -R', ssh), row('jiji', jiji)]
}

/** Of each figure by itself. */
function median(runs: Measured[]): Measured {
  const of = (figure: (run: Measured) => number) => runs.map(figure).sort((a, b) => a - b)[runs.length >> 1] as number
  return {
    rate: of(run => run.rate),
    seconds: of(run => run.seconds),
    megabytes: of(run => run.megabytes),
    sshd: { seconds: of(run => run.sshd.seconds), megabytes: of(run => run.sshd.megabytes) },
  }
}

type Carry = (rig: Rig, port: number, servers: Server[], use: (ports: number[]) => Promise<void>) => Promise<Cost>
type Cost = { seconds: number; megabytes: number }

async function measure(carry: Carry, rig: Rig, registry: Registry, load: Load, servers: Server[]): Promise<Measured> {
  let took = 0
  const sshd = { seconds: -sshdSeconds(), megabytes: 0 }
  const cost = await carry(rig, Number(registry.host.split(':')[1]), servers, async ports => {
    const began = performance.now()
    await Promise.all(servers.map((server, index) => must(server, fetching(`http://127.0.0.1:${ports[index]}`, load))))
    took = (performance.now() - began) / 1000
    sshd.seconds += sshdSeconds()
    sshd.megabytes = Math.max(...processes('sshd').map(peakMemory))
  })
  return { rate: (load.megabytes * servers.length) / took, sshd, ...cost }
}

async function withJiji(rig: Rig, port: number, servers: Server[], use: (ports: number[]) => Promise<void>) {
  const hook = `data:text/javascript,import{register}from'node:module';register(${JSON.stringify(new URL('typescript.mjs', import.meta.url).href)})`
  const holder = fileURLToPath(new URL('tunnel-holder.ts', import.meta.url))
  const words = ['--import', hook, holder, rig.sshConfigFile, String(port), ...servers.map(({ name }) => name)]
  const child = execa(process.execPath, words, { stdin: 'pipe', stderr: 'inherit', buffer: false })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value ?? 'null')
  try {
    await use(await next())
    child.stdin.end()
    return (await next()) as Cost
  } finally {
    child.stdin.end()
    await child
  }
}

async function withSsh(rig: Rig, port: number, servers: Server[], use: (ports: number[]) => Promise<void>) {
  const options = ['-F', rig.sshConfigFile, '-N', '-c', cipher, '-R', `0:127.0.0.1:${port}`]
  const children = servers.map(({ name }) => execa('ssh', [...options, name], { reject: false, buffer: false }))
  try {
    const ports = children.map(async child => {
      for await (const line of createInterface({ input: child.stderr })) {
        const allocated = /Allocated port (\d+)/.exec(line)?.[1]
        if (allocated) return Number(allocated)
      }
      throw new Error('ssh opened no tunnel')
    })
    await use(await Promise.all(ports))
    return {
      seconds: children.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
      megabytes: children.reduce((sum, { pid }) => sum + peakMemory(pid), 0),
    }
  } finally {
    for (const child of children) child.kill()
    await Promise.all(children)
  }
}

/** All layers at once, as an engine fetches them. */
function fetching(base: string, { paths }: Load): string {
  return `curl -sSfZ --parallel-immediate ${paths.map(path => `-o /dev/null ${base}${path}`).join(' ')}`
}

async function direct(registry: Registry, load: Load): Promise<number> {
  const began = performance.now()
  await execa('sh', ['-c', fetching(registry.url, load)])
  return Math.round((load.megabytes * 1000) / (performance.now() - began))
}

async function putLayer({ url }: Registry, megabytes: number): Promise<string> {
  const bytes = randomBytes(megabytes * megabyte)
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const begun = await fetch(`${url}/v2/bench/blobs/uploads/`, { method: 'POST' })
  const place = new URL(begun.headers.get('location') ?? '', url)
  place.searchParams.set('digest', digest)
  const put = await fetch(place, { method: 'PUT', body: bytes })
  if (put.status !== 201) throw new Error(`the registry did not take a layer: ${put.status} ${await put.text()}`)
  return `/v2/bench/blobs/${digest}`
}

/** Of all that run now: sessions that have ended are not in it, so it is asked while tunnels stand. */
function sshdSeconds(): number {
  return processes('sshd').reduce((sum, pid) => sum + cpuSeconds(pid), 0)
}

function processes(name: string): number[] {
  const pids = readdirSync('/proc').filter(entry => /^\d+$/.test(entry))
  return pids.map(Number).filter(pid => procFile(pid, 'stat').includes(`(${name})`))
}

function cpuSeconds(pid: number | undefined): number {
  const stat = procFile(pid, 'stat')
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) / 100
}

function peakMemory(pid: number | undefined): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(procFile(pid, 'status'))?.[1] ?? 0) / 1000
}

/** Empty for a process that has ended. */
function procFile(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}

async function missing(program: string): Promise<string | undefined> {
  const { exitCode } = await execa(program, ['--version'], { reject: false })
  return exitCode === 0 ? undefined : `needs ${program}, which this machine has not`
}
