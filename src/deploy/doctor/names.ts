import type { Config } from '../../config/config.ts'
import { canTunnel, type Runner } from '../../runner/runner.ts'
import type { Answers } from './answers.ts'
import { type Lookup, nameIn, routesOf } from './dns.ts'

/** What names are here, and which addresses servers are known to have: those they are reached by, and their own. */
export type Names = {
  here: ReadonlyMap<string, readonly string[]>
  addresses: ReadonlyMap<string, readonly string[]>
}

/** Only what servers say themselves needs them to have been reached. */
export async function resolveNames(
  config: Config,
  asked: readonly { server: { name: string }; runner: Runner; answers: Answers }[],
  lookup: Lookup,
): Promise<Names> {
  const here = routesOf(config).map(async ({ host }) => [nameIn(host), await lookup(nameIn(host))] as const)
  const addresses = config.servers.map(async ({ name, host }) => {
    const one = asked.find(({ server }) => server.name === name)
    const reached = one && canTunnel(one.runner) ? one.runner.address.host : host
    const known = host === 'local' ? [] : await lookup(reached)
    return [name, [...known, ...(one?.answers.addresses ?? [])]] as const
  })
  return { here: new Map(await Promise.all(here)), addresses: new Map(await Promise.all(addresses)) }
}
