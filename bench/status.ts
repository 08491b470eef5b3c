import { loadavg } from 'node:os'
import { execa } from 'execa'
import { createProject, type Project } from '../test/e2e/harness.ts'
import { rigUnavailable } from '../test/e2e/rig/rig.ts'
import { type Stubs, startStubs } from '../test/e2e/rig/stubs.ts'
import { median, printTable } from './table.mjs'

const runs = 15
const delays = [
  { name: 'no', oneWay: 'off' },
  { name: '50 ms', oneWay: 25 },
] as const

/**
 * `status` of 4 servers against one SSH execution: that of OpenSSH, which needs no Node, and that of jiji itself, which tells
 * what the other servers and the question cost. OpenSSH's to all 4 at once tells what this machine can do at best: it is
 * client and servers in one. All take turns, so that they meet the same weather.
 */
export async function measureStatus(): Promise<void> {
  const unavailable = rigUnavailable()
  if (unavailable) return console.log(`\nskipped: status: ${unavailable} (npm test installs what it can)`)
  const stubs = await startStubs(4, 'status')
  const project = await createProject({ '.jiji/deploy.yml': configurationOf(stubs) })
  try {
    const deployed = await project.jiji('deploy', '--version', 'v1', '--skip-verify')
    if (deployed.code !== 0) throw new Error(`jiji deploy ended with ${deployed.code}: ${deployed.stderr}`)
    const rows: string[][] = []
    for (const delay of delays) rows.push(...(await measureAll(stubs, project, delay)))
    printTable(
      `status, median of ${runs} runs (the mark for 4 servers: 1.5), load ${loadavg()[0]?.toFixed(1)}`,
      head,
      rows,
    )
  } finally {
    await project.remove()
    await stubs.stop()
  }
}

const head = ['', 'round trip', 'time', 'of ssh', 'of 4 × ssh', 'of jiji server exec']

async function measureAll(stubs: Stubs, project: Project, delay: (typeof delays)[number]): Promise<string[][]> {
  try {
    await stubs.delay(delay.oneWay)
  } catch (error) {
    if (String(error).includes('cc: ')) return [['all', delay.name, 'skipped: needs a C compiler']]
    throw error
  }
  const ssh = (name: string) => execa('ssh', ['-F', stubs.sshConfigFile, name, 'true'], { stdin: 'ignore' })
  const kinds: Record<string, () => Promise<unknown>> = {
    'ssh w1 true': () => ssh('w1'),
    '4 × ssh true': () => Promise.all(stubs.names.map(ssh)),
    'jiji server exec -H w1 -- true': () => jiji(project, 'server', 'exec', '-H', 'w1', '--', 'true'),
    'jiji status of 1': () => jiji(project, 'status', '-H', 'w1'),
    'jiji status of 4': () => jiji(project, 'status'),
  }
  const times = new Map<string, number[]>()
  for (let run = 0; run < runs; run++)
    for (const [name, act] of Object.entries(kinds)) times.set(name, [...(times.get(name) ?? []), await timeOf(act)])
  const [one, all, own] = [...times.values()].map(median) as [number, number, number]
  return [...times].map(([name, taken]) => {
    const time = median(taken)
    return [name, delay.name, `${time.toFixed(0)} ms`, ...[one, all, own].map(other => (time / other).toFixed(2))]
  })
}

async function jiji(project: Project, ...words: string[]): Promise<void> {
  const { code, stderr } = await project.jiji(...words)
  if (code !== 0) throw new Error(`jiji ${words.join(' ')} ended with ${code}: ${stderr}`)
}

async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return performance.now() - start
}

function configurationOf({ configuration, names }: Stubs): string {
  return `project: status
${configuration()}
services:
  web:
    image: registry.example.com/web:1
    hosts: [${names}]
    proxy: {app_port: 3000, hosts: [status.example.com], healthcheck: {path: /up}}
`
}
