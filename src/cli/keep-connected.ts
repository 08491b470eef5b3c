import type { Config, Server } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { type Connections, connectionsTo } from '../deploy/logs/connections.ts'
import type { Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'
import { connectAgain } from './servers.ts'

/** Connections to a server of which one that is lost is opened again, which is said; `patience` is in milliseconds. */
export function keepConnected(
  context: Context,
  config: Config,
  secrets: Secrets,
  { server, first, patience }: { server: Server; first: Runner; patience: number | undefined },
): Connections {
  const { output } = context
  return connectionsTo(first, async lost => {
    if (lost) output.warn(lost.message)
    const runner = await connectAgain(context, config, secrets, server, patience)
    if (lost) output.note(`${server.name} is connected again`)
    return runner
  })
}
