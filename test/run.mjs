// What `npm test` runs, on a fresh clone with nothing but Node: installs what is missing, checks, builds, prepares the
// machine for the end-to-end tests, runs all tests and takes away what it has started.
//
//   npm test                      everything
//   npm test -- unit [FILTER...]  the unit tests only
//   npm test -- e2e [FILTER...]   the build and the end-to-end tests only
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, say } from './machine/command.mjs'
import { ensureDependencies } from './machine/dependencies.mjs'
import { ensureDocker, startTimeOf } from './machine/engine.mjs'
import { canInstall, ensurePackages } from './machine/packages.mjs'
import { ensureImages } from './machine/stand-ins.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const rigScript = fileURLToPath(new URL('./e2e/rig/rig.sh', import.meta.url))
const rigBase = join(tmpdir(), 'jiji-rig') // as in e2e/rig/claims.ts
const packages = [
  ...['docker.io', 'iptables', 'podman', 'runc', 'netavark', 'aardvark-dns', 'tini', 'uidmap', 'slirp4netns'],
  ...['openssh-server', 'openssh-client', 'iproute2', 'procps'],
  ...['docker-registry', 'redis-tools', 'apache2-utils', 'openssl', 'ca-certificates'],
  ...['git', 'skopeo', 'strace', 'tar', 'bsdutils', 'wrk'],
  // Kubernetes' own package has another name than Debian's, and the two cannot be there together.
  ...(existsSync('/usr/bin/kubectl') ? [] : ['kubernetes-client']),
]
const images = ['node:20-slim', 'caddy:2', 'registry:2', 'redis:7', 'busybox:1']

/** @type {import('./machine/tally.mjs').Tally} */
const total = { passed: 0, failed: [], skipped: [] }
/** What has to be undone, last first. */
const undo = /** @type {(() => Promise<void>)[]} */ ([])
const scratch = mkdtempSync(join(tmpdir(), 'jiji-test-'))
let interrupted = false
/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    interrupted = true
    for (const child of running) endGroup(child)
  })
}

const [part = 'all', ...filters] = process.argv.slice(2)
try {
  if (!['all', 'unit', 'e2e'].includes(part)) throw new Error(`there are no tests called ${part}: use unit or e2e`)
  await ensureDependencies(root)
  if (canInstall()) await ensurePackages(packages)
  if (part === 'all') await check()
  if (part !== 'unit') await step('build', [process.execPath, 'build.mjs'])
  if (part !== 'e2e') await vitest('unit', filters)
  if (part !== 'unit') {
    await prepareMachine()
    await vitest('e2e', filters)
  }
} catch (error) {
  total.failed.push(error instanceof Error ? error.message : String(error))
} finally {
  for (const action of undo.reverse()) await action().catch(error => total.failed.push(`clean-up: ${error.message}`))
  rmSync(scratch, { recursive: true, force: true })
  report()
}

async function check() {
  await step('types', [join(bin, 'tsc'), '--noEmit'])
  await step('lint', [join(bin, 'biome'), 'check', '--error-on-warnings', '.'])
  await step('unused files, exports and dependencies', [join(bin, 'knip')])
}

/**
 * A step that counts as one test.
 * @param {string} name
 * @param {string[]} command
 */
async function step(name, [program = '', ...args]) {
  if (interrupted) return
  const start = Date.now()
  const code = await show(program, args)
  say(`${code === 0 ? 'passed' : 'FAILED'}: ${name} (${Date.now() - start} ms)`)
  if (code === 0) total.passed++
  else if (!interrupted) total.failed.push(name)
}

/** The engine and the images that the end-to-end tests stand on. A machine that cannot have it skips them: they find out why themselves. */
async function prepareMachine() {
  if (interrupted || !canInstall()) return
  claimRigs()
  const docker = await ensureDocker()
  undo.push(docker.stop)
  await ensureImages('docker', images)
}

/** Keeps what rigs share until the end, and then takes away what tests that died have left. */
function claimRigs() {
  const claims = join(rigBase, 'claims')
  const own = join(claims, `run-${process.pid}`)
  mkdirSync(claims, { recursive: true, mode: 0o700 })
  rmSync(own, { force: true })
  symlinkSync(`${process.pid}.${startTimeOf(process.pid)}`, own)
  undo.push(async () => {
    rmSync(own, { force: true })
    const { code, stderr } = await run(rigScript, ['sweep', rigBase])
    if (code !== 0) throw new Error(stderr)
  })
}

/**
 * @param {'unit' | 'e2e'} project
 * @param {string[]} filters
 */
async function vitest(project, filters) {
  if (interrupted) return
  const tallyFile = join(scratch, `${project}.json`)
  const reporters = [
    '--reporter=default',
    `--reporter=${fileURLToPath(new URL('./machine/tally.mjs', import.meta.url))}`,
  ]
  const args = ['run', '--project', project, '--passWithNoTests', ...reporters, ...filters]
  const code = await show(join(bin, 'vitest'), args, { JIJI_TALLY: tallyFile })
  if (!existsSync(tallyFile)) {
    if (!interrupted) total.failed.push(`vitest, which exited with ${code} before it had run the ${project} tests`)
    return
  }
  /** @type {import('./machine/tally.mjs').Tally} */
  const tally = JSON.parse(readFileSync(tallyFile, 'utf8'))
  total.passed += tally.passed
  total.failed.push(...tally.failed)
  total.skipped.push(...tally.skipped)
  if (code !== 0 && tally.failed.length === 0 && !interrupted) total.failed.push(`vitest exited with ${code}`)
}

/**
 * Runs a program whose output is shown as it comes.
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<number>} its exit code
 */
function show(program, args, env = {}) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('JIJI_')) // would change what is tested
  return new Promise(resolve => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...Object.fromEntries(own), ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true, // in a group of its own, so that it can be ended with all that it has started
    })
    running.add(child)
    if (interrupted) endGroup(child)
    child.on('error', error => {
      say(error.message)
      resolve(127)
    })
    child.on('exit', code => {
      endGroup(child)
      running.delete(child)
      resolve(code ?? 128)
    })
  })
}

/** @param {import('node:child_process').ChildProcess} child */
function endGroup(child) {
  try {
    if (child.pid) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // nothing of it is left
  }
}

function report() {
  const { passed, failed, skipped } = total
  if (interrupted) failed.push('interrupted')
  for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`)
  for (const name of failed) console.log(`FAILED: ${name}`)
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`)
  process.exitCode = interrupted ? 130 : failed.length > 0 ? 1 : 0
}
