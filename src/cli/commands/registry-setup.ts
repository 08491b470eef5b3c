import { ensureRegistry } from '../../registry/local/container.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { showRows } from '../registries.ts'
import { gatherSecrets } from '../secrets.ts'
import { thisMachine } from '../servers.ts'
import { run as logIn } from './registry-login.ts'

/** What deploys need of the registry: the local one runs, or everybody is logged in to the remote one. */
export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const { registry, engine } = config.builder
  if (registry.type === 'remote') return logIn(context)
  await gatherSecrets(context, config, [])
  const row = { registry: `localhost:${registry.port}`, place: 'here' }
  if (context.options.flag('skip-local')) return showRows(context, [{ ...row, state: 'skipped' }])
  const { state, change } = await ensureRegistry(thisMachine(context), engine, registry, context.signal)
  showRows(context, [{ ...row, state, ...(change ? { reason: change } : {}) }])
}
