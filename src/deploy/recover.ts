import { JijiError } from '../errors.ts'
import type { ApplyContext } from './apply-context.ts'
import { FailedRelease } from './failed-release.ts'
import { alsoSaying } from './failure.ts'
import type { Switched } from './group.ts'
import { type Handover, restoreRoutes } from './handover.ts'
import type { DigestsByServer } from './images.ts'
import type { Plan } from './plan/plan.ts'
import { notPutBack, putBack } from './put-back.ts'
import { recordKept, withdrawAll } from './record.ts'
import { whatServes } from './serving.ts'
import type { ServiceStatus } from './status.ts'

type Done = {
  switched: readonly Switched[]
  /** Servers that may have the release on record. */
  recorded: Plan['servers']
  routes: Pick<Handover, 'takeBack'>
}

/**
 * What a failure leads to when some services have been switched: all of them go back, or stay where that is chosen. An
 * interrupt, a lost lock and a fault of ours always put back.
 * @returns the failure, with what serves now
 */
export async function recover(
  context: ApplyContext,
  plan: Plan,
  digests: DigestsByServer,
  { switched, recorded, routes }: Done,
  failure: unknown,
): Promise<unknown> {
  const isFailure = failure instanceof JijiError && !context.signal.aborted
  const isKept = plan.rollout.onFailure === 'keep' && isFailure && switched.length > 0
  if (!isKept) await routes.takeBack()
  const stuck = isKept ? [] : await putBack(context, switched)

  const stays = new Set((isKept ? switched : stuck).map(one => one.server))
  await restoreRoutes(
    context,
    plan.servers.filter(server => !stays.has(server)),
  )
  const forgetful = isKept ? [] : recorded.filter(server => !stays.has(server))
  const unforgotten = await withdrawAll(context, plan, forgetful)
  const unrecorded = isKept ? await recordKept(context, plan, switched, digests) : []
  const services = await whatServes(context, plan)
  if (isKept) return new FailedRelease(keptInPart(failure, plan, switched, unrecorded), services, whole(plan, switched))

  const down = downNow(plan, services)
  const told = stuck.length + down.length > 0 ? notPutBack(failure, stuck, down, plan) : failure
  const known = told instanceof JijiError ? alsoSaying(told, unforgotten) : told
  return known instanceof JijiError ? new FailedRelease(known, services, new Set()) : known
}

/** Servers on which all is switched that was to be. */
function whole({ servers }: Plan, switched: readonly Switched[]): Set<string> {
  const isSwitched = (one: unknown) => switched.some(({ replacement }) => replacement === one)
  return new Set(servers.filter(({ replacements }) => replacements.every(isSwitched)).map(({ server }) => server))
}

/** What ran before and does not any more, as `SERVER (SERVICE)`: one that stopped first, and could not be started again. */
function downNow({ servers }: Plan, services: readonly ServiceStatus[]): string[] {
  return servers.flatMap(({ server, replacements }) =>
    replacements.flatMap(({ service, live }) => {
      const now = services.filter(one => one.server === server && one.service === service)
      const isDown = now.length > 0 && now.every(({ health }) => health === 'down')
      return live?.isRunning && isDown ? [`${server} (${service})`] : []
    }),
  )
}

function keptInPart(
  failure: JijiError,
  { action }: Plan,
  switched: readonly Switched[],
  unrecorded: readonly string[],
): JijiError {
  const servers = [...new Set(switched.map(({ server }) => server.server))]
  const back = action === 'deploy' ? `, or go back there: jiji rollback -H ${servers.join(',')}` : ''
  const output = [...(failure.output ? [failure.output.trimEnd()] : []), ...unrecorded].join('\n')
  return new JijiError('servers.partial', `${failure.message}; kept what was switched before`, {
    ...(failure.server ? { server: failure.server } : {}),
    ...(output ? { output } : {}),
    hint: `deploy.on_failure is keep: do it again when that is mended${back}`,
    cause: failure,
  })
}
