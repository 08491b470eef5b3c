import { together } from '../../deploy/failure.ts'
import { type Held, holdTunnels } from '../../deploy/hold.ts'
import { wordsFor } from '../../deploy/tunnel-refusal.ts'
import { JijiError } from '../../errors.ts'
import { ensureRegistry } from '../../registry/local/container.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { thisMachine, withReachable } from '../servers.ts'

/** Lets servers pull from the local registry by hand, until Ctrl-C. */
export async function run(context: Context): Promise<void> {
  const { output, signal } = context
  const config = loadProject(context)
  const { registry, engine } = config.builder
  const { servers } = selectFrom(config, context)
  const secrets = await gatherKeys(context, config, servers)
  if (registry.type === 'remote')
    throw new JijiError('usage', `only a local registry needs tunnels: servers reach ${registry.key} themselves`, {
      hint: 'builder.registry: {type: local} is the one on this machine',
    })

  const { change } = await ensureRegistry(thisMachine(context), engine, registry, signal)
  if (change) output.event({ step: 'registry', state: 'done', detail: change })
  await withReachable(context, config, secrets, servers, async ({ runners, failures }) => {
    for (const error of failures) tell(context, { server: error.server ?? '', state: 'failed', error })
    if (runners.size > 0) output.note('servers pull from these addresses, and cannot push; Ctrl-C closes the tunnels')
    const ends = await holdTunnels(runners.values(), registry.port, held => tell(context, held), signal)
    const all = [...failures, ...ends]
    if (all.length > 0) throw together(all, servers.length)
  })
}

function tell({ output }: Context, held: Held): void {
  const { server, state } = held
  if (output.style.json) {
    const { address, error, why } = { address: undefined, error: undefined, why: undefined, ...held }
    output.jsonLine({
      schemaVersion: 1,
      server,
      state,
      ...(address ? { address } : {}),
      ...(why ? { reason: wordsFor(why) } : {}),
      ...(error ? { code: error.code, reason: error.message } : {}),
    })
    return
  }
  output.result(`${server}: ${held.state === 'open' ? held.address : `${state}: ${held.error.message}`}`)
  if (held.state === 'open' && held.why) output.note(`${server}: ${wordsFor(held.why)}`)
}
