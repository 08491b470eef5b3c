import { JijiError } from '../errors.ts'
import { clientOfLocal } from '../registry/local/client.ts'
import { pause } from '../runner/abort.ts'
import type { Connection } from '../runner/runner.ts'
import { registryContainer } from '../shell/names.ts'
import { type CutContext, cutter } from './cuts.ts'
import { limits } from './limits.ts'
import type { Transfer } from './transfer.ts'

type StallContext = CutContext & { signal: AbortSignal }

/**
 * Has a server pull through a tunnel, and sees to it that the pull does not wait for what will not come. A connection on
 * which nothing moves is ended, since engines then ask again, for what is still missing; an engine that gives up instead
 * is told to pull again.
 * @throws JijiError registry.unreachable, server.lost
 */
export async function overStalls<T>(
  context: StallContext,
  connection: Connection,
  transfer: Transfer,
  pull: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const watch = watchStalls(context, connection, transfer)
  const signal = AbortSignal.any([context.signal, watch.signal])
  try {
    for (;;) {
      const before = watch.disturbances()
      try {
        return await pull(signal)
      } catch (error) {
        if (!(error instanceof JijiError) || error.code !== 'pull.failed') throw error
        if (watch.disturbances() === before) throw error
        await watch.settle()
      }
    }
  } finally {
    watch.stop()
  }
}

/** Looks again and again, and aborts its signal, with the error, when it is no use to go on. */
function watchStalls(context: StallContext, connection: Connection, transfer: Transfer) {
  const giveUp = new AbortController()
  const { look: lookForStalls, count } = cutter(context, connection, transfer)
  let refusedBefore = 0
  let looking: Promise<void> | undefined

  const lookAtAll = async () => {
    if (transfer.refused() > refusedBefore) await untilRegistryRuns(context, connection.server)
    refusedBefore = transfer.refused()
    await lookForStalls()
  }
  const look = () => {
    looking ??= lookAtAll()
      .catch(error => giveUp.abort(error))
      .finally(() => {
        looking = undefined
      })
    return looking
  }
  const timer = setInterval(() => {
    for (const flow of transfer.flows) flow.idle = flow.waitsFor() ? flow.idle + 1 : 0
    look()
  }, limits.look)
  return {
    signal: giveUp.signal,
    stop: () => clearInterval(timer),
    /** What an engine may have taken amiss. */
    disturbances: () => count() + transfer.refused(),
    /** @throws what makes it useless to pull again */
    async settle() {
      await looking
      await look()
      giveUp.signal.throwIfAborted()
    },
  }
}

/** A registry that refuses connections may just be started again; but engines wait for it for a minute, and in vain. */
async function untilRegistryRuns({ config, signal }: StallContext, server: string): Promise<void> {
  const { registry, engine } = config.builder
  if (registry.type !== 'local') return
  const client = clientOfLocal(registry.port, signal)
  const deadline = Date.now() + limits.restart
  try {
    while (!(await client.answers())) {
      signal.throwIfAborted()
      if (Date.now() > deadline) throw stopped(server, engine, registry.port)
      await pause(250, signal)
    }
  } finally {
    client.close()
  }
}

function stopped(server: string, engine: string, port: number): JijiError {
  return new JijiError(
    'registry.unreachable',
    `the local registry stopped while ${server} pulled from it: port ${port} of this machine gives no answer any more`,
    {
      hint: `nothing was switched; see why it stopped: ${engine} logs ${registryContainer}; the next deploy starts it again`,
    },
  )
}
