import type { Engine } from '../../config/config.ts'
import { removeRegistry } from '../../registry/local/container.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { gatherSecrets } from '../secrets.ts'
import { thisMachine } from '../servers.ts'
import { confirmRemoval } from '../tend.ts'
import { run as logOut } from './registry-logout.ts'

export async function run(context: Context): Promise<void> {
  const { options, output } = context
  const config = loadProject(context)
  const { registry, engine } = config.builder
  if (registry.type === 'remote') return logOut(context)
  await gatherSecrets(context, config, [])
  const state = options.flag('skip-local') ? 'skipped' : await takeAway(context, engine, registry.port)
  const row = { registry: `localhost:${registry.port}`, place: 'here', state }
  if (output.style.json) output.json({ schemaVersion: 1, rows: [row] })
  else output.table(['registry', 'place', 'result'], [[row.registry, row.place, row.state]])
}

async function takeAway(context: Context, engine: Engine, port: number): Promise<'already' | 'done'> {
  const what = 'the local registry would be removed'
  await confirmRemoval(context, `${what} from port ${port}`, what)
  return removeRegistry(thisMachine(context), engine)
}
