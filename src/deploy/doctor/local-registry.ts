import type { BuilderRegistry, Engine } from '../../config/config.ts'
import { clientOfLocal } from '../../registry/local/client.ts'
import { isTaken, knownFailure } from '../../registry/local/container.ts'
import type { Runner } from '../../runner/runner.ts'
import { askLocalRegistry } from '../../shell/local-registry.ts'
import { registryContainer } from '../../shell/names.ts'
import { limits } from '../limits.ts'
import { ok, problem, problemOf, type Verdict, warning } from './finding.ts'

type LocalRegistry = Extract<BuilderRegistry, { type: 'local' }>

type Seen = {
  /** Our container, where there is one. */
  container: { isRunning: boolean; image: string; port: number } | undefined
  isTaken: boolean
  answers: boolean
}

export async function checkLocalRegistry(
  here: Runner,
  engine: Engine,
  registry: LocalRegistry,
  signal: AbortSignal,
): Promise<Verdict> {
  const output = await here.run(askLocalRegistry(engine), { signal, timeout: limits.ask })
  const known = knownFailure(here, engine, output)
  if (known) return problemOf(known)
  const [, isRunning, image = '', port] = /^found (true|false) (\S+) (\d+)$/m.exec(output.stdout) ?? []
  const client = clientOfLocal(registry.port, signal)
  try {
    return judgeLocalRegistry(engine, registry, {
      container: port ? { isRunning: isRunning === 'true', image, port: Number(port) } : undefined,
      isTaken: await isTaken(registry.port),
      answers: await client.answers(),
    })
  } finally {
    client.close()
  }
}

/** A deploy starts one that is missing or stopped, and changes one that differs; a port it cannot have stops it. */
export function judgeLocalRegistry(engine: Engine, { port, image }: LocalRegistry, seen: Seen): Verdict {
  const { container } = seen
  const isThere = container?.isRunning === true && container.port === port
  if (seen.isTaken && !isThere)
    return problem(
      'port.taken',
      'port-taken',
      `port ${port} of this machine is in use, and not by the local registry`,
      `builder.registry.port names another; ss -ltnp 'sport = :${port}' shows by whom`,
    )
  if (!container) return ok('not there yet: a deploy starts it')
  if (container.port !== port || container.image !== image)
    return warning(
      'registry-differs',
      `it was started as ${container.image} on port ${container.port}, and a deploy makes it ${image} on port ${port}`,
      'all projects of this machine share it, and need the same builder.registry.port and image',
    )
  if (!container.isRunning) return ok('it does not run: a deploy starts it')
  if (!seen.answers)
    return problem(
      'engine.failed',
      'registry-silent',
      `the local registry gives no answer on 127.0.0.1:${port}`,
      `look at its log: ${engine} logs ${registryContainer}`,
    )
  return ok(`${image} on 127.0.0.1:${port}`)
}
