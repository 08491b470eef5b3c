import { JijiError } from '../../errors.ts'
import { canTunnel } from '../../runner/runner.ts'
import { type Neighbour, tryLogins } from '../../shell/seed.ts'
import { type LossContext, runnerOf } from '../losses.ts'

/** Milliseconds for all, where some are slow; a connection that nobody answers is given up after 4 s. */
const limit = 20_000

/** Asks a server which others it may log in to, all at once. Of those that it may not, why. */
export async function refusalsOf(
  context: LossContext,
  seed: string,
  servers: readonly string[],
): Promise<Map<string, string>> {
  const { signal } = context
  const refusals = new Map(servers.map(server => [server, `no answer in ${limit / 1000} s`]))
  const onLine = (line: string) => {
    const [, verdict, server = '', why = ''] = /^(trusted|refused) (\S+) ?(.*?)\r?$/.exec(line) ?? []
    if (verdict === 'trusted') refusals.delete(server)
    if (verdict === 'refused') refusals.set(server, why)
    if (line === 'no ssh') for (const one of servers) refusals.set(one, 'it has no ssh')
  }
  const neighbours = servers.map(server => neighbourOf(context, server))
  try {
    await runnerOf(context, seed).run(tryLogins(neighbours), { signal, timeout: limit, onLine })
  } catch (error) {
    if (signal.aborted || !(error instanceof JijiError)) throw error
  }
  return refusals
}

/** A server as another one is told of it: with the address that it has here, and the host key that it has shown here. */
export function neighbourOf(context: LossContext, server: string): Neighbour {
  const runner = runnerOf(context, server)
  if (!canTunnel(runner)) throw new Error(`${server} is this machine`)
  return { server, ...runner.address }
}
