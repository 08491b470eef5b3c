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
    `through a tunnel, the better of 2 runs of about a second each (the mark: at least 0.9 of ssh -R with ${cipher})`,
    ['carrier', 'layers', 'servers', 'round trip', 'rate', 'ratio', 'CPU here', 'CPU of sshd', 'peak memory here'],
    rows,
  )
}

type Measured = { rate: number; seconds: number; sshd: number; megabytes: number }

async function compare(
  rig: Rig,
  registry: Registry,
  load: Load,
  servers: Server[],
  delay: string,
): Promise<string[][]> {
  const best = async (carry: Carry) => {
    const all = [await measure(carry, rig, registry, load, servers), await measure(carry, rig, registry, load, servers)]
    return all.sort((a, b) => b.rate - a.rate)[0] as Measured
  }
  const ssh = await best(withSsh)
  const jiji = await best(withJiji)
  const row = (name: string, { rate, seconds, sshd, megabytes }: Measured) => [
    ...[name, load.name, String(servers.length), delay, `${Math.round(rate)} MB/s`, (rate / ssh.rate).toFixed(2)],
    ...[`${seconds.toFixed(2)} s`, `${sshd.toFixed(2)} s`, `${Math.round(megabytes)} MB`],
  ]
  return [row('ssh -R', ssh), row('jiji', jiji)]
}

type Carry = (rig: Rig, port: number, servers: Server[], use: (ports: number[]) => Promise<void>) => Promise<Cost>
type Cost = { seconds: number; megabytes: number }

async function measure(carry: Carry, rig: Rig, registry: Registry, load: Load, servers: Server[]): Promise<Measured> {
  let took = 0
  let sshd = -sshdSeconds()
  const cost = await carry(rig, Number(registry.host.split(':')[1]), servers, async ports => {
    const began = performance.now()
    await Promise.all(servers.map((server, index) => must(server, fetching(`http://127.0.0.1:${ports[index]}`, load))))
    took = (performance.now() - began) / 1000
    sshd += sshdSeconds()
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
      seconds: children.reduce((sum, { pid }) => sum + cpuSeconds(`/proc/${pid}/stat`), 0),
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
  const stats = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return stats.reduce((sum, pid) => sum + cpuSeconds(`/proc/${pid}/stat`, 'sshd'), 0)
}

function cpuSeconds(file: string, name?: string): number {
  try {
    const text = readFileSync(file, 'utf8')
    if (name && !text.includes(`(${name})`)) return 0
    const [user, system] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
    return (Number(user) + Number(system)) / 100
  } catch {
    return 0
  }
}

function peakMemory(pid: number | undefined): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1000
}

async function missing(program: string): Promise<string | undefined> {
  const { exitCode } = await execa(program, ['--version'], { reject: false })
  return exitCode === 0 ? undefined : `needs ${program}, which this machine has not`
}
