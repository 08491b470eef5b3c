import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BuilderRegistry, Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { requireEngine } from '../shell/engine.ts'
import { ensureLocalRegistry, removeLocalRegistry } from '../shell/images.ts'
import { labels, registryContainer } from '../shell/names.ts'
import { lines } from '../shell/script.ts'

type LocalRegistry = Extract<BuilderRegistry, { type: 'local' }>

/**
 * Sees to it that this machine's registry runs and answers.
 * @throws JijiError engine.failed, port.taken
 */
export async function ensureRegistry(
  here: Runner,
  engine: Engine,
  registry: LocalRegistry,
  signal?: AbortSignal,
): Promise<'already' | 'done'> {
  const script = ensureLocalRegistry(engine, registry, { container: registryContainer, label: labels.registry })
  const output = await here.run(lines(requireEngine(engine), script), signal ? { signal } : {})
  if (output.code !== 0) {
    throw (
      engineFailure(here, engine, output) ??
      new JijiError('engine.failed', `the local registry could not be started: ${lastLine(output.stderr)}`, {
        hint: `is port ${registry.port} taken on this machine? builder.registry.port names another`,
      })
    )
  }
  await untilItAnswers(registry.port, signal)
  return output.stdout.includes('already') ? 'already' : 'done'
}

export async function removeRegistry(here: Runner, engine: Engine): Promise<'already' | 'done'> {
  const output = await here.run(removeLocalRegistry(engine, registryContainer))
  if (output.code !== 0)
    throw new JijiError('engine.failed', `the local registry could not be removed: ${lastLine(output.stderr)}`)
  return output.stdout.includes('already') ? 'already' : 'done'
}

async function untilItAnswers(port: number, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await answers(port))) {
    signal?.throwIfAborted()
    if (Date.now() > deadline) {
      throw new JijiError('engine.failed', `the local registry gives no answer on port ${port} of this machine`, {
        hint: `look at its log: docker logs ${registryContainer}`,
      })
    }
    await sleep(50)
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const sent = request({ host: '127.0.0.1', port, path: '/v2/', timeout: 2000 }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    sent.on('timeout', () => sent.destroy())
    sent.on('error', () => resolve(false))
    sent.end()
  })
}
