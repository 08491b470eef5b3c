import { settled, together } from '../../deploy/failure.ts'
import { observeServer } from '../../deploy/observe.ts'
import { statusOf } from '../../deploy/status.ts'
import { renderAge } from '../../ui/age.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject, selectFrom, withReachable } from '../gather.ts'

export async function run(context: Context): Promise<void> {
  const { output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])

  await withReachable(context, config, secrets, selected.servers, async ({ runners, failures }) => {
    const reached = selected.servers.filter(({ name }) => runners.has(name))
    const observations = await settled(
      reached.flatMap(({ name, engine }) => {
        const runner = runners.get(name)
        return runner ? [observeServer(runner, engine, config.scope, signal)] : []
      }),
    )
    const services = statusOf(config, selected, observations)
    if (output.style.json) output.json({ schemaVersion: 1, services })
    else {
      output.table(
        ['service', 'server', 'version', 'state', 'health', 'since', 'routes'],
        services.map(one => [
          one.service,
          one.server,
          one.version ?? '-',
          one.state,
          healthOf(one),
          renderAge(one.since, new Date()),
          one.routes.join(' '),
        ]),
      )
    }
    if (failures.length > 0) throw together(failures, selected.servers.length)
  })
}

function healthOf({ health, reason }: { health: string; reason?: string }): string {
  return reason ? `${health}: ${reason}` : health
}
