import type { Config } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import { settled } from '../../deploy/failure.ts'
import { type Observation, observeAll } from '../../deploy/observe.ts'
import { observationOf } from '../../deploy/plan/plan.ts'
import { runTending, type Tending } from '../../deploy/tending.ts'
import { JijiError } from '../../errors.ts'
import { removeProxy } from '../../shell/remove.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { withServers } from '../servers.ts'
import { confirmRemoval, tend } from '../tend.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const secrets = await gatherKeys(context, config, selected.servers)
  const planFrom = (observations: readonly Observation[]) => planRemoval(context, selected, observations)

  await withServers(context, config, secrets, selected.servers, async runners => {
    const plan = planFrom(await observeAll(config, runners, signal))
    const where = plan.map(({ server }) => server).join(', ')
    const what = `the proxies on ${where} would be removed`
    if (options.flag('dry-run'))
      return output.style.json ? output.json({ schemaVersion: 1, servers: plan }) : output.result(what)
    await confirmRemoval(context, [what, ...plan.flatMap(renderLost)].join('\n'), what)
    await tend(context, config, runners, tending => removeAll(context, tending, planFrom(tending.observations)))
    if (output.style.json) output.json({ schemaVersion: 1, servers: plan, result: 'done' })
    else output.result(`removed the proxies on ${where}`)
  })
}

type Removal = {
  server: string
  engine: Config['servers'][number]['engine']
  /** Routes that then lead nowhere, by project. */
  routes: readonly { project: string; hosts: readonly string[] }[]
}

function planRemoval({ options }: Context, { servers }: Selected, observations: readonly Observation[]): Removal[] {
  const isForced = options.flag('force')
  const plan = servers.flatMap(server => {
    const { proxy, sites } = observationOf(observations, server)
    if (proxy === undefined) return []
    const routes = sites.filter(({ hosts }) => hosts.length > 0).map(({ project, hosts }) => ({ project, hosts }))
    return [{ server: server.name, engine: server.engine, routes }]
  })
  if (plan.length === 0) throw new JijiError('nothing.running', 'there is no proxy on these servers')
  const used = plan.find(({ routes }) => routes.length > 0)
  if (!used || isForced) return plan
  const whose = used.routes.map(({ project, hosts }) => `${project} (${hosts.join(', ')})`).join(', ')
  throw new JijiError('route.taken', `${used.server}: the proxy has routes of ${whose}`, {
    server: used.server,
    hint: 'jiji service remove takes the routes of a service away; --force removes the proxy all the same',
  })
}

function renderLost({ server, routes }: Removal): string[] {
  return routes.map(({ project, hosts }) => `  ${server}: ${hosts.join(', ')} of ${project} would lead nowhere`)
}

async function removeAll({ options }: Context, tending: Tending, plan: readonly Removal[]): Promise<void> {
  await settled(
    plan.map(one =>
      runTending(tending, one, {
        deed: { action: 'proxy remove' },
        script: removeProxy(one.engine, { isWithVolumes: options.flag('volumes') }),
        explain: () => undefined,
      }),
    ),
  )
}
