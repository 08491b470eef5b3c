import type { Engine, Service } from '../../config/config.ts'
import { settled, together } from '../../deploy/failure.ts'
import { type Answers, askServices } from '../../deploy/health.ts'
import { type Observation, observeServer } from '../../deploy/observe.ts'
import { statusOf } from '../../deploy/status.ts'
import type { Runner } from '../../runner/runner.ts'
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
    const asked = await settled(
      reached.flatMap(({ name, engine }) => {
        const runner = runners.get(name)
        return runner ? [ask(runner, engine, config.scope, selected.services, signal)] : []
      }),
    )
    const answers = new Map(asked.map(({ observation, answers }) => [observation.server, answers]))
    const observations = asked.map(({ observation }) => observation)
    const services = statusOf(config, selected, observations, answers)
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

async function ask(
  runner: Runner,
  engine: Engine,
  scope: string,
  services: readonly Service[],
  signal: AbortSignal,
): Promise<{ observation: Observation; answers: Answers }> {
  const observation = await observeServer(runner, engine, scope, signal)
  return { observation, answers: await askServices(runner, engine, observation, scope, services, signal) }
}

function healthOf({ health, reason }: { health: string; reason?: string }): string {
  return reason ? `${health}: ${reason}` : health
}
