import { run } from '../../test/machine/command.mjs'
import { ensureEngine, findEngine, stopDocker } from '../../test/machine/engine.mjs'

/** @typedef {import('../../test/machine/engine.mjs').Engine} Engine */

/** Its own, so that `--clean` stops no daemon that something else has started. */
const own = { stateDir: '/run/jiji-demo' }

/**
 * Docker where it is installed, else Podman where that is, else Docker, newly installed.
 * @returns {Promise<Engine>}
 */
export async function pickEngine() {
  const isDockerHere = (await run('dockerd', ['--version'])).code === 0
  if (!isDockerHere && (await findEngine()).engine === 'podman') return 'podman'
  return (await ensureEngine(own)).engine
}

export async function stopOwnEngine() {
  await stopDocker(own)
}
