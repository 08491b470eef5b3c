import { createProject, type Project } from '../test/e2e/harness.ts'
import { rigUnavailable } from '../test/e2e/rig/rig.ts'
import { type Stubs, startStubs } from '../test/e2e/rig/stubs.ts'
import { median, printTable } from './table.mjs'
import { type Usage, watchUsage } from './usage.ts'

/** What Kamal 2.12 took with an engine that does nothing, when it was measured; not in this run, and to 3 servers for 4. */
const kamal: Readonly<Record<string, number>> = { '1, no': 3.3, '1, 50 ms': 5.8, '4, no': 3.1, '4, 50 ms': 5.7 }

const runs = 3
const counts = [1, 4, 30, 100]
const delays = [
  { name: 'no', oneWay: 'off' },
  { name: '50 ms', oneWay: 25 },
] as const

type Measured = Usage & { executions: number; seconds: number }

/** Deploys to many servers with a real sshd each, and an engine that takes no time: what jiji itself, and SSH, add to it. */
export async function measureManyDeploys(): Promise<void> {
  const unavailable = rigUnavailable()
  if (unavailable)
    return console.log(`\nskipped: deploys to many servers: ${unavailable} (npm test installs what it can)`)
  const stubs = await startStubs(Math.max(...counts), 'many')
  try {
    const rows: string[][] = []
    for (const delay of delays) rows.push(...(await measureAll(stubs, delay)))
    printTable(
      `deploy of a next version to many servers with a stand-in for their engine, median of ${runs} runs`,
      head,
      rows,
    )
    console.log(`
All of these servers run on this machine, and take most of the time; processor is what jiji itself took of it.
* Kamal 2.12 with a stand-in too, measured earlier and not in this run, with 31 executions per server; to 3 servers for 4`)
  } finally {
    await stubs.stop()
  }
}

const head = [
  'servers, round trip',
  'executions',
  'time',
  'of 1',
  'processor',
  'memory',
  'files',
  'Kamal*',
  'of Kamal*',
]

async function measureAll(stubs: Stubs, { name, oneWay }: (typeof delays)[number]): Promise<string[][]> {
  try {
    await stubs.delay(oneWay)
  } catch (error) {
    if (String(error).includes('cc: ')) return [[`all, ${name}`, 'skipped: needs a C compiler']]
    throw error
  }
  const rows: string[][] = []
  let one: number | undefined
  for (const count of counts) {
    const measured = await measure(stubs, count)
    one ??= measured.seconds
    rows.push(rowOf(`${count}, ${name}`, measured, one))
  }
  return rows
}

function rowOf(name: string, { executions, seconds, processor, memory, files }: Measured, one: number): string[] {
  const peer = kamal[name]
  return [
    name,
    String(executions),
    `${seconds.toFixed(2)} s`,
    (seconds / one).toFixed(2),
    `${processor.toFixed(2)} s`,
    `${memory.toFixed(0)} MB`,
    String(files),
    peer ? `${peer.toFixed(1)} s` : '-',
    peer ? (seconds / peer).toFixed(2) : '-',
  ]
}

async function measure(stubs: Stubs, count: number): Promise<Measured> {
  const project = await createProject({ '.jiji/deploy.yml': configurationOf(stubs, count) })
  try {
    await deploy(project, stubs) // so that there is something to be replaced, and all that is only done once is done
    const all: Measured[] = []
    for (let run = 0; run < runs; run++) all.push(await deploy(project, stubs))
    return {
      executions: Math.max(...all.map(({ executions }) => executions)),
      seconds: median(all.map(({ seconds }) => seconds)),
      processor: median(all.map(({ processor }) => processor)),
      memory: Math.max(...all.map(({ memory }) => memory)),
      files: Math.max(...all.map(({ files }) => files)),
    }
  } finally {
    await project.remove()
  }
}

let versions = 0

async function deploy(project: Project, stubs: Stubs): Promise<Measured> {
  const before = await stubs.executions()
  const start = performance.now()
  const { pid, result } = project.start({}, 'deploy', '--version', `v${++versions}`, '--skip-verify')
  const usage = await watchUsage(pid, result)
  const seconds = (performance.now() - start) / 1000
  const { code, stderr } = await result
  if (code !== 0) throw new Error(`jiji deploy ended with ${code}: ${stderr}`)
  const after = await stubs.executions()
  return { ...usage, seconds, executions: Math.max(...after.map((count, index) => count - (before[index] ?? 0))) }
}

function configurationOf({ configuration, names }: Stubs, count: number): string {
  const some = names.slice(0, count)
  return `project: many-${count}
${configuration(some)}
services:
  web:
    image: registry.example.com/web:1
    hosts: [${some}]
    proxy: {app_port: 3000, hosts: [many-${count}.example.com], healthcheck: {path: /up}}
`
}
