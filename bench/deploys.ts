import { execa } from 'execa'
import { createProject, type Project, serversOf } from '../test/e2e/harness.ts'
import { type Registry, startRegistry } from '../test/e2e/rig/registry.ts'
import { type Rig, rigUnavailable, startRig } from '../test/e2e/rig/rig.ts'
import type { Server } from '../test/e2e/rig/server.ts'
import { ensureDocker } from '../test/machine/engine.mjs'
import { ensureImages } from '../test/machine/stand-ins.mjs'
import { median, printTable } from './table.mjs'

/** What Kamal 2.12 took on the same kind of rig, by servers and delay, when it was measured; not in this run. */
const kamal = { executions: 31, seconds: { '1, no': 3.3, '1, 50 ms': 8.8, '4, no': 5.2, '4, 50 ms': 9.9 } }

const runs = 3
const delays = [
  { name: 'no', oneWay: 'off' },
  { name: '50 ms', oneWay: 25 },
] as const

type Measured = { executions: number; seconds: number }

/** Deploys of version 2 with nothing to build, and beside them what the engine itself needs for the same change. */
export async function measureDeploys(): Promise<void> {
  const unavailable = rigUnavailable()
  if (unavailable) return console.log(`\nskipped: deploys: ${unavailable} (npm test installs what it can)`)
  const docker = await ensureDocker()
  try {
    await ensureImages('docker', ['node:20-slim', 'caddy:2', 'registry:2'])
    await withRig(measureAll)
  } finally {
    await docker.stop()
  }
}

async function withRig(use: (rig: Rig, registry: Registry) => Promise<void>): Promise<void> {
  const before = await containersHere()
  const rig = await startRig({ servers: ['docker', 'docker', 'docker', 'docker'], name: 'bench', images: ['caddy:2'] })
  try {
    const registry = await startRegistry({ address: rig.controller, trustedBy: rig.servers })
    try {
      await use(rig, registry)
    } finally {
      await registry.stop()
    }
  } finally {
    await rig.stop()
    await removeWhatIsNew(before)
  }
}

async function measureAll(rig: Rig, registry: Registry): Promise<void> {
  const image = `${registry.host}/bench-app:1`
  await pushApp(image)
  const rows: string[][] = []
  for (const servers of [rig.servers.slice(0, 1), rig.servers]) {
    const pulled = await projectOn(rig, servers, `image: ${image}`)
    const built = await projectOn(rig, servers, 'build: {context: .}')
    try {
      for (const delay of delays) {
        if (!(await setDelay(servers, delay.oneWay))) {
          rows.push([`${servers.length}, ${delay.name}`, 'skipped: needs a C compiler'])
          continue
        }
        const limit = await medianOf(() => measureEngine(rig, servers, image))
        rows.push(rowOf(servers, delay.name, 'image that is there', await measureDeploy(pulled, servers), limit))
        rows.push(rowOf(servers, delay.name, 'build from the cache', await measureDeploy(built, servers), limit))
      }
    } finally {
      await setDelay(servers, 'off')
      await pulled.remove()
      await built.remove()
    }
  }
  const head = [
    'servers, round trip',
    'nothing to build:',
    'executions',
    'time',
    'engine',
    'ratio',
    'Kamal*',
    'of Kamal*',
  ]
  printTable(
    `deploy of a next version, median of ${runs} runs (the marks: 8 executions, 1/4 of Kamal's time)`,
    head,
    rows,
  )
  console.log(`
engine: docker run and docker stop alone, in one script over ssh, on all servers at once: what no tool can save
* Kamal 2.12 on the same kind of rig, measured earlier and not in this run, with ${kamal.executions} executions per server`)
}

function rowOf(servers: Server[], delay: string, kind: string, deploy: Measured, limit: number): string[] {
  const name = `${servers.length}, ${delay}`
  const peer = kamal.seconds[name as keyof typeof kamal.seconds]
  const { executions, seconds } = deploy
  return [
    name,
    kind,
    String(executions),
    `${seconds.toFixed(2)} s`,
    `${limit.toFixed(2)} s`,
    (seconds / limit).toFixed(2),
    `${peer.toFixed(1)} s`,
    (seconds / peer).toFixed(2),
  ]
}

async function measureDeploy(project: Project, servers: Server[]): Promise<Measured> {
  await deploy(project, servers) // so that there is something to be replaced, and all that is only done once is done
  const measured: Measured[] = []
  for (let run = 0; run < runs; run++) measured.push(await deploy(project, servers))
  return {
    executions: Math.max(...measured.map(({ executions }) => executions)),
    seconds: median(measured.map(({ seconds }) => seconds)),
  }
}

let versions = 0

async function deploy(project: Project, servers: Server[]): Promise<Measured> {
  const before = servers.map(server => server.executions())
  const { code, stderr, seconds } = await jiji(project, 'deploy', '--version', `v${++versions}`)
  if (code !== 0) throw new Error(`jiji deploy ended with ${code}: ${stderr}`)
  const executions = Math.max(...servers.map((server, index) => server.executions() - (before[index] ?? 0)))
  return { executions, seconds }
}

async function jiji(project: Project, ...words: string[]) {
  const start = performance.now()
  const running = project.start({}, ...words)
  const limit = setTimeout(() => running.kill('SIGTERM'), 120_000)
  const result = await running.result
  clearTimeout(limit)
  return { ...result, seconds: (performance.now() - start) / 1000 }
}

/** The same change by hand: what is new is started, and what ran before is stopped. */
async function measureEngine(rig: Rig, servers: Server[], image: string): Promise<number> {
  const script = `old=$(docker ps -q --filter label=bench-limit)
docker run -d --network jiji --label bench-limit ${image} && docker stop $old`
  const clear = 'docker rm -f $(docker ps -aq --filter label=bench-limit)'
  const onAll = (command: string) =>
    Promise.all(
      servers.map(({ name }) =>
        execa('ssh', ['-F', rig.sshConfigFile, name, 'sh'], { input: command, timeout: 60_000 }),
      ),
    )
  await onAll(`docker network create jiji; docker run -d --label bench-limit ${image}`)
  try {
    const start = performance.now()
    await onAll(script)
    return (performance.now() - start) / 1000
  } finally {
    await onAll(clear)
  }
}

async function medianOf(measure: () => Promise<number>): Promise<number> {
  const all: number[] = []
  for (let run = 0; run < runs; run++) all.push(await measure())
  return median(all)
}

function projectOn(rig: Rig, servers: Server[], source: string): Promise<Project> {
  const names = servers.map(({ name }) => name)
  const project = `bench-${source.split(':')[0]}`
  return createProject({
    ...app,
    '.jiji/deploy.yml': `project: ${project}
builder: {registry: {type: local}}
${serversOf(rig, names)}
services:
  web:
    ${source}
    hosts: [${names}]
    proxy: {app_port: 3000, hosts: [${project}.example.com], healthcheck: {path: /up}}
`,
  })
}

const app = {
  Dockerfile: 'FROM node:20-slim\nCOPY app.mjs /\nCMD ["node", "/app.mjs"]\n',
  'app.mjs': `import { createServer } from 'node:http'
const server = createServer((_, response) => response.end('up'))
server.listen(3000)
process.on('SIGTERM', () => server.close(() => process.exit(0)))
`,
}

async function pushApp(image: string): Promise<void> {
  const project = await createProject(app)
  try {
    await execa('docker', ['build', '-q', '-t', image, '--label', 'jiji.project=bench-image', project.folder])
    await execa('docker', ['push', '-q', image])
  } finally {
    await project.remove()
  }
}

async function setDelay(servers: Server[], milliseconds: number | 'off'): Promise<boolean> {
  try {
    for (const server of servers) await server.delay(milliseconds)
    return true
  } catch (error) {
    if (String(error).includes('cc: ')) return false
    throw error
  }
}

const registryHere = ['jiji-registry']

async function containersHere(): Promise<string[]> {
  const { stdout } = await execa('docker', ['ps', '-a', '--format', '{{.Names}}'])
  return stdout.split('\n')
}

/** What measuring leaves on this machine: the images that were built, and the registry if it was not there before. */
async function removeWhatIsNew(before: string[]): Promise<void> {
  for (const project of ['bench-image', 'bench-build']) {
    const { stdout } = await execa('docker', ['images', '-q', '--filter', `label=jiji.project=${project}`])
    const images = [...new Set(stdout.split('\n').filter(Boolean))]
    if (images.length > 0) await execa('docker', ['rmi', '-f', ...images])
  }
  for (const name of registryHere.filter(name => !before.includes(name))) {
    await execa('docker', ['rm', '-f', '-v', name], { reject: false })
    await execa('docker', ['volume', 'rm', name], { reject: false })
  }
}
