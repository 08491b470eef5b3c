import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, run, say, sleep } from './command.mjs'
import { canInstall, ensurePackages } from './packages.mjs'

/**
 * @typedef {'docker' | 'podman'} Engine
 * @typedef {{ engine: Engine, started: boolean, stop: () => Promise<void> }} RunningEngine `stop` ends the engine only if
 * it was started for this
 */

const socket = '/var/run/docker.sock'
const defaultStateDir = '/run/jiji-machine'

/**
 * The engine that can be used as things are.
 * @returns {Promise<{ engine: Engine | undefined, advice: string }>} with no engine, `advice` is a sentence on what to do
 */
export async function findEngine() {
  if (await dockerAnswers()) return { engine: 'docker', advice: '' }
  if ((await run('podman', ['info', '--format', '{{.Version.Version}}'], { timeout: 20_000 })).code === 0) {
    return { engine: 'podman', advice: '' }
  }
  return { engine: undefined, advice: adviceOnDocker() }
}

/**
 * The best engine that this machine can have: Docker that runs, Docker that can be installed and started, else Podman.
 * @param {{ stateDir?: string }} [options]
 * @returns {Promise<RunningEngine>}
 */
export async function ensureEngine(options) {
  if ((await dockerAnswers()) || canStart()) return ensureDocker(options)
  const { engine, advice } = await findEngine()
  if (!engine) throw new Error(advice)
  return { engine, started: false, stop: async () => {} }
}

/**
 * Makes sure of a Docker engine: one that runs is used, else, as root on Debian or Ubuntu, Docker is installed and
 * started without a service manager.
 * @param {{ stateDir?: string }} [options] where the daemon's log and process id are kept
 * @returns {Promise<RunningEngine>}
 */
export async function ensureDocker({ stateDir = defaultStateDir } = {}) {
  if (await dockerAnswers()) return { engine: 'docker', started: false, stop: async () => {} }
  if (!canStart()) throw new Error(adviceOnDocker())
  await ensurePackages(['docker.io', 'iptables', 'ca-certificates'])
  removeRemains()
  await startDaemon(stateDir)
  return { engine: 'docker', started: true, stop: () => stopDocker({ stateDir }) }
}

/**
 * Ends the Docker engine that `ensureDocker` has started, in this process or an earlier one, and no other.
 * @param {{ stateDir?: string }} [options]
 */
export async function stopDocker({ stateDir = defaultStateDir } = {}) {
  const record = join(stateDir, 'dockerd.json')
  if (!existsSync(record)) return
  const { pid, startTime } = JSON.parse(readFileSync(record, 'utf8'))
  if (startTimeOf(pid) === startTime) {
    process.kill(pid, 'SIGTERM')
    if (!(await isGoneWithin(pid, startTime, 30_000))) {
      process.kill(pid, 'SIGKILL')
      await isGoneWithin(pid, startTime, 5_000)
    }
  }
  rmSync(stateDir, { recursive: true, force: true })
}

async function dockerAnswers() {
  const { code, stdout } = await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 20_000 })
  return code === 0 && stdout.trim() !== ''
}

function canStart() {
  return canInstall() && !process.env.DOCKER_HOST && !process.env.DOCKER_CONTEXT
}

function adviceOnDocker() {
  const host = process.env.DOCKER_HOST
  if (host) return `the Docker engine at DOCKER_HOST=${host} does not answer: start it, or unset DOCKER_HOST`
  if (existsSync(socket)) {
    try {
      accessSync(socket, constants.W_OK)
    } catch {
      return `no permission for ${socket}: add yourself to the group docker, log in again, or run this as root`
    }
  }
  if (process.platform === 'darwin') return 'no container engine answers: install and start Docker Desktop or OrbStack'
  return 'no container engine answers: install Docker (https://docs.docker.com/engine/install/) or Podman, and start it'
}

/** Takes away what a Docker engine that was killed has left behind and a new one stumbles over. */
function removeRemains() {
  const containerd = '/var/run/docker/containerd'
  if (!pidFileHolds('/var/run/docker.pid', 'dockerd')) {
    rmSync('/var/run/docker.pid', { force: true })
    rmSync(socket, { force: true })
  }
  if (!pidFileHolds(`${containerd}/containerd.pid`, 'containerd')) {
    for (const name of ['containerd.pid', 'containerd.sock', 'containerd.sock.ttrpc', 'containerd-debug.sock']) {
      rmSync(join(containerd, name), { force: true })
    }
  }
}

/**
 * Whether the process that a pid file names lives and is the program.
 * @param {string} file
 * @param {string} program
 */
function pidFileHolds(file, program) {
  try {
    const pid = readFileSync(file, 'utf8').trim()
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program
  } catch {
    return false
  }
}

/** @param {string} stateDir */
async function startDaemon(stateDir) {
  say('starting the Docker engine')
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const logFile = join(stateDir, 'dockerd.log')
  const log = openSync(logFile, 'w', 0o600)
  const daemon = spawn('dockerd', [], { cwd: '/', detached: true, stdio: ['ignore', log, log] })
  let ended = ''
  daemon.on('error', error => {
    ended = error.message
  })
  daemon.on('exit', code => {
    ended = `it exited with ${code}`
  })
  daemon.unref()
  if (daemon.pid) {
    const record = { pid: daemon.pid, startTime: startTimeOf(daemon.pid) }
    writeFileSync(join(stateDir, 'dockerd.json'), JSON.stringify(record))
  }
  const deadline = Date.now() + 90_000
  while (!(await dockerAnswers())) {
    if (!ended && Date.now() > deadline) ended = 'it did not answer within 90 seconds'
    if (ended) {
      const last = lastLines(readFileSync(logFile, 'utf8'))
      await stopDocker({ stateDir })
      throw new Error(`the Docker engine could not be started, ${ended}:\n${last}`)
    }
    await sleep(100)
  }
}

/**
 * When a process started, in the kernel's ticks: with its id, what tells it from a later one of the same id.
 * @param {number} pid
 * @returns {string | undefined} nothing when it is gone or only waits to be reaped
 */
export function startTimeOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/**
 * @param {number} pid
 * @param {string} startTime
 * @param {number} milliseconds
 */
async function isGoneWithin(pid, startTime, milliseconds) {
  const deadline = Date.now() + milliseconds
  while (startTimeOf(pid) === startTime) {
    if (Date.now() > deadline) return false
    await sleep(50)
  }
  return true
}
