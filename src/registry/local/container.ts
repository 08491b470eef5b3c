import { createServer } from 'node:net'
import type { BuilderRegistry, Engine } from '../../config/config.ts'
import { JijiError } from '../../errors.ts'
import { pause } from '../../runner/abort.ts'
import { engineFailure, lastLine } from '../../runner/engine-failure.ts'
import type { Output, Runner } from '../../runner/runner.ts'
import { exits, requireEngine } from '../../shell/engine.ts'
import { ensureLocalRegistry, removeLocalRegistry } from '../../shell/local-registry.ts'
import { registryContainer } from '../../shell/names.ts'
import { lines } from '../../shell/script.ts'
import { clientOfLocal } from './client.ts'

type LocalRegistry = Extract<BuilderRegistry, { type: 'local' }>

/** `change` says what was different about the registry that ran until now. */
type Ensured = { state: 'already' | 'done'; change?: string }

/**
 * Sees to it that this machine's registry runs and answers.
 * @throws JijiError engine.failed, port.taken, name.taken
 */
export async function ensureRegistry(
  here: Runner,
  engine: Engine,
  registry: LocalRegistry,
  signal?: AbortSignal,
): Promise<Ensured> {
  const script = lines(requireEngine(engine), ensureLocalRegistry(engine, registry))
  const output = await here.run(script, signal ? { signal } : {})
  const before = wasIn(output)
  if (output.code !== 0) {
    if (before) await untilItAnswers(engine, before.port, signal).catch(() => {}) // it has been started again
    throw await whyNotStarted(here, engine, registry, output, before)
  }
  await untilItAnswers(engine, registry.port, signal)
  const change = before && changeBetween(before, registry)
  return { state: output.stdout.includes('already') ? 'already' : 'done', ...(change ? { change } : {}) }
}

/** @throws JijiError engine.failed, name.taken */
export async function removeRegistry(here: Runner, engine: Engine): Promise<'already' | 'done'> {
  const output = await here.run(lines(requireEngine(engine), removeLocalRegistry(engine)))
  if (output.code !== 0) {
    throw (
      knownFailure(here, engine, output) ??
      new JijiError('engine.failed', `the local registry could not be removed: ${lastLine(output.stderr)}`)
    )
  }
  return output.stdout.includes('already') ? 'already' : 'done'
}

export function knownFailure(here: Runner, engine: Engine, output: Output): JijiError | undefined {
  if (output.code !== exits.notOurs) return engineFailure(here, engine, output)
  return new JijiError('name.taken', `${engine} has a container ${registryContainer} that jiji has not made`, {
    hint: `it is left alone; give it another name, and try again: ${engine} rename ${registryContainer} NAME`,
  })
}

type Before = { image: string; port: number }

function wasIn({ stdout }: Output): Before | undefined {
  const [, image = '', port] = /^was (\S+) (\d+)$/m.exec(stdout) ?? []
  return port === undefined ? undefined : { image, port: Number(port) }
}

function changeBetween(before: Before, now: LocalRegistry): string {
  const port = `its port changed from ${before.port} to ${now.port}: all projects of this machine share it, and need the same builder.registry.port`
  const image = `its image changed from ${before.image} to ${now.image}`
  return [before.port === now.port ? [] : [port], before.image === now.image ? [] : [image]].flat().join('; ')
}

async function whyNotStarted(
  here: Runner,
  engine: Engine,
  { port }: LocalRegistry,
  output: Output,
  before: Before | undefined,
): Promise<JijiError> {
  const known = knownFailure(here, engine, output)
  if (known) return known
  if (before?.port !== port && (await isTaken(port))) {
    return new JijiError('port.taken', `port ${port} of this machine is in use, and not by the local registry`, {
      hint: `builder.registry.port names another; ss -ltnp 'sport = :${port}' shows by whom`,
    })
  }
  return new JijiError('engine.failed', `the local registry could not be started: ${lastLine(output.stderr)}`, {
    ...(port < 1024
      ? { hint: `ports below 1024 are for root alone, mostly, and ${port} is one: builder.registry.port names another` }
      : {}),
  })
}

/** By trying: engines tell it in words alone. */
export function isTaken(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(false)))
  })
}

/** @throws JijiError engine.failed */
export async function untilItAnswers(engine: Engine, port: number, signal?: AbortSignal): Promise<void> {
  const client = clientOfLocal(port, signal)
  const deadline = Date.now() + 10_000
  try {
    while (!(await client.answers())) {
      signal?.throwIfAborted()
      if (Date.now() > deadline) {
        throw new JijiError('engine.failed', `the local registry gives no answer on port ${port} of this machine`, {
          hint: `look at its log: ${engine} logs ${registryContainer}`,
        })
      }
      await pause(50, signal)
    }
  } finally {
    client.close()
  }
}
