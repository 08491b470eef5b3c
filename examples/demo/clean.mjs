import { rmdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { must, run, say, sleep } from '../../test/machine/command.mjs'
import { findEngine } from '../../test/machine/engine.mjs'
import { removeStandIns } from '../../test/machine/stand-ins.mjs'
import { pickEngine, stopOwnEngine } from './engine.mjs'
import { readRecord } from './record.mjs'

/** @typedef {import('./engine.mjs').Engine} Engine */

const project = 'hello'
const proxy = 'jiji-proxy'
const registry = 'jiji-registry'

/**
 * Takes away what the demo has made, and nothing that something else uses or that was there before.
 * @param {string} root
 * @param {string[]} images what the demo has pulled, if it was not there before
 */
export async function clean(root, images) {
  let isEngineShared = false
  for (const engine of await enginesToClean(root)) {
    const before = readRecord(root, engine)
    await removeContainers(engine)
    const others = await otherProjects(engine)
    isEngineShared ||= others.length > 0
    if (others.length > 0) await leaveProxy(engine, others)
    else await removeProxy(engine, before)
    await removeRegistry(engine, before)
    await removeImages(engine, before ? images.filter(image => !before.images.includes(image)) : [])
  }
  removeState()
  if (!isEngineShared) await stopOwnEngine()
  rmSync(join(root, '.demo'), { recursive: true, force: true })
  say('the demo is gone')
}

/**
 * Those that the demo has used, the one that runs, or none.
 * @param {string} root
 * @returns {Promise<Engine[]>}
 */
async function enginesToClean(root) {
  const used = /** @type {Engine[]} */ (['docker', 'podman']).filter(engine => readRecord(root, engine))
  if (used.includes('docker')) await pickEngine() // it may have been stopped since
  const { engine } = await findEngine()
  return used.length > 0 || !engine ? used : [engine]
}

/** @param {Engine} engine */
async function removeContainers(engine) {
  const ids = await lines(engine, ['ps', '-aq', '--filter', `label=jiji.project=${project}`])
  if (ids.length === 0) return
  await must(engine, ['rm', '-f', '-v', ...ids])
  say(`removed ${ids.length} containers of ${project}`)
}

/**
 * Projects of others that the engine runs.
 * @param {Engine} engine
 */
async function otherProjects(engine) {
  const ids = await lines(engine, ['ps', '-aq', '--filter', 'label=jiji.project'])
  return ids.length > 0 ? lines(engine, ['inspect', '--format', '{{index .Config.Labels "jiji.project"}}', ...ids]) : []
}

/**
 * @param {Engine} engine
 * @param {string[]} others
 */
async function leaveProxy(engine, others) {
  const forget = `rm -rf sites/${project}.caddy live/${project}; caddy reload --config Caddyfile --adapter caddyfile`
  await run(engine, ['exec', '-w', '/jiji', proxy, 'sh', '-c', forget])
  say(`the engine, the proxy and its network stay: they serve ${[...new Set(others)].join(', ')}`)
}

/**
 * @param {Engine} engine
 * @param {import('./record.mjs').Before | undefined} before
 */
async function removeProxy(engine, before) {
  if (await removeContainer(engine, proxy)) say('removed the proxy')
  await run(engine, ['network', 'rm', 'jiji'])
  await removeVolumes(engine, ['jiji-proxy', 'jiji-certificates'], before)
}

/**
 * @param {Engine} engine
 * @param {import('./record.mjs').Before | undefined} before
 */
async function removeRegistry(engine, before) {
  const [address] = await lines(engine, ['port', registry, '5000'])
  const repositories = address ? await repositoriesOf(address) : []
  const others = repositories.filter(name => !name.startsWith(`${project}-`))
  if (others.length > 0) {
    say(`the registry stays: it holds ${others.join(', ')}`)
    return
  }
  if (await removeContainer(engine, registry)) say('removed the registry')
  await removeVolumes(engine, ['jiji-registry'], before)
}

/**
 * What a registry holds; it may just have been started.
 * @param {string} address
 * @returns {Promise<string[]>}
 */
async function repositoriesOf(address) {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await fetch(`http://${address}/v2/_catalog`)
      return /** @type {{ repositories: string[] }} */ (await answer.json()).repositories
    } catch (error) {
      if (tries === 20) throw new Error(`the registry at ${address} does not say what it holds: ${error}`)
      await sleep(250)
    }
  }
}

/**
 * @param {Engine} engine
 * @param {string[]} pulled
 */
async function removeImages(engine, pulled) {
  const built = new Set(await lines(engine, ['images', '-q', '--filter', `label=jiji.project=${project}`]))
  if (built.size > 0) await run(engine, ['rmi', '-f', ...built])
  const standIns = await removeStandIns(engine)
  for (const image of pulled) await run(engine, ['rmi', image]) // refused while something else uses it
  const count = built.size + standIns.length
  if (count > 0) say(`removed ${count} images that were built here`)
}

/**
 * @param {Engine} engine
 * @param {string} name
 * @returns {Promise<boolean>} whether it was there
 */
async function removeContainer(engine, name) {
  if ((await run(engine, ['inspect', '--type', 'container', name])).code !== 0) return false
  await must(engine, ['rm', '-f', '-v', name])
  return true
}

/**
 * @param {Engine} engine
 * @param {string[]} volumes
 * @param {import('./record.mjs').Before | undefined} before without it nobody knows whose they are
 */
async function removeVolumes(engine, volumes, before) {
  for (const volume of before ? volumes : []) {
    if (!before?.volumes.includes(volume)) await run(engine, ['volume', 'rm', volume])
  }
}

/** What jiji remembers of the project on this machine, in either of the places where it may lie. */
function removeState() {
  const users = process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state')
  for (const folder of ['/var/lib/jiji', join(users, 'jiji')]) {
    rmSync(join(folder, project), { recursive: true, force: true })
    try {
      rmdirSync(folder)
    } catch {
      // not there, or others have something in it
    }
  }
}

/**
 * @param {Engine} engine
 * @param {string[]} words
 */
async function lines(engine, words) {
  const { stdout } = await run(engine, words)
  return stdout.split('\n').filter(line => line !== '')
}
