import { settingsOf } from '../config/recorded.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { appendAudit } from '../shell/audit.ts'
import { exits } from '../shell/engine.ts'
import { requireLock } from '../shell/lock.ts'
import { settleSite } from '../shell/proxy.ts'
import {
  type RecordedService,
  type ReleaseRecord,
  recordCurrent,
  recordRelease,
  recordReturn,
} from '../shell/records.ts'
import { lines, type Script } from '../shell/script.ts'
import type { ApplyContext } from './apply-context.ts'
import { releaseEntry } from './audit.ts'
import { lockLost, settled } from './failure.ts'
import type { DigestsByServer } from './images.ts'
import { limits } from './limits.ts'
import { liveOf } from './live.ts'
import { runnerOf } from './losses.ts'
import type { Observation } from './observe.ts'
import type { Plan, ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { serviceOf } from './put-back.ts'

/** Has every server remember what runs there now. */
export async function recordAll(context: ApplyContext, plan: Plan, digests: DigestsByServer): Promise<void> {
  const recordOn = (server: ServerPlan) =>
    plan.action === 'rollback' ? goBack(context, plan, server) : record(context, plan, server, digests)
  await settled(plan.servers.map(recordOn))
}

/**
 * Has servers remember what was switched there, of a release that stays in part. Nothing is taken away meanwhile, and a
 * server has gone back only when all of its services have.
 * @returns why some do not
 */
export async function recordKept(
  context: ApplyContext,
  plan: Plan,
  switched: readonly { replacement: ReplacementPlan }[],
  digests: DigestsByServer,
): Promise<string[]> {
  const isSwitched = (one: ReplacementPlan) => switched.some(({ replacement }) => replacement === one)
  const recordOn = async (server: ServerPlan) => {
    const replacements = server.replacements.filter(isSwitched)
    if (replacements.length === 0) return
    const part = { ...server, replacements }
    if (plan.action !== 'rollback') {
      const release = releaseOf(context, plan, part, digests)
      return finish(context, plan, part, recordCurrent(context.config.scope, release))
    }
    if (replacements.length === server.replacements.length) await goBack(context, plan, server)
  }
  const results = await Promise.allSettled(plan.servers.map(recordOn))
  return results.flatMap(result => (result.status === 'rejected' ? [String(result.reason?.message)] : []))
}

async function record(context: ApplyContext, plan: Plan, server: ServerPlan, digests: DigestsByServer): Promise<void> {
  const release = releaseOf(context, plan, server, digests)
  const old = { ...server.prune, retire: server.retire }
  await finish(context, plan, server, recordRelease(server.engine, context.config.scope, release, old))
}

function releaseOf(
  { config, owner, observations }: ApplyContext,
  plan: Plan,
  server: ServerPlan,
  digests: DigestsByServer,
): ReleaseRecord {
  const observation = observations.find(one => one.server === server.server)
  const stillThere = config.services
    .filter(service => service.servers.includes(server.server))
    .flatMap(({ name }): [string, RecordedService][] => {
      const recorded = observation && onRecord(observation, config.scope, name)
      return recorded ? [[name, recorded]] : []
    })
  const replaced = server.replacements.map(({ service, image, candidate, again }): [string, RecordedService] => [
    service,
    {
      image,
      digest: digests.get(server.server)?.get(service) ?? '',
      container: candidate.names[0] ?? '',
      replicas: candidate.names.length,
      slot: candidate.slot,
      release: plan.release,
      version: again?.version ?? plan.version,
      settings: settingsOf(serviceOf(config, service)),
    },
  ])
  return {
    schemaVersion: 1,
    id: plan.release,
    version: plan.action === 'deploy' ? plan.version : (server.from?.version ?? plan.version),
    at: new Date().toISOString(),
    by: owner.by,
    services: Object.fromEntries([...stillThere, ...replaced]),
  }
}

/** What serves, as some release has it on record: a rollback of other services may have left the current one without. */
function onRecord(observation: Observation, scope: string, service: string): RecordedService | undefined {
  const { releases, current } = observation
  const live = liveOf(observation, scope, service).container?.name
  const now = releases.find(({ id }) => id === current)?.services[service]
  const recorded = [now, ...releases.map(({ services }) => services[service])]
  return recorded.find(one => one && one.container === live) ?? now
}

async function goBack(context: ApplyContext, plan: Plan, server: ServerPlan): Promise<void> {
  const { config, observations } = context
  const target = observations.find(one => one.server === server.server)?.releases.find(({ id }) => id === plan.release)
  if (!target) throw new Error(`${plan.release} is not on record on ${server.server}`)
  const moved = server.replacements.flatMap(({ service, candidate: { slot } }) => {
    const recorded = target.services[service]
    return recorded ? [[service, { ...recorded, slot }]] : []
  })
  const release = { ...target, services: { ...target.services, ...Object.fromEntries(moved) } }
  await finish(context, plan, server, recordReturn(server.engine, config.scope, release, server.retire))
}

async function finish(context: ApplyContext, plan: Plan, server: ServerPlan, script: Script): Promise<void> {
  const { config, owner, actor, report } = context
  const runner = runnerOf(context, server.server)
  const audit = appendAudit(config.scope, releaseEntry(actor, plan, server, runner, { result: 'done' }))
  const settle = server.site ? [settleSite(server.engine, server.site)] : []
  const all = lines(requireLock(config.scope, owner), ...settle, script, audit)
  const event = { step: 'record', server: server.server } as const
  report({ ...event, state: 'begun' })
  const output = await runner.run(all, { timeout: limits.record })
  if (output.code === 0) {
    report({ ...event, state: 'done' })
    for (const { service } of server.replacements)
      report({ step: 'switch', state: 'let go', server: server.server, service })
    return
  }
  if (output.code === exits.lockLost) throw lockLost(server.server, 'the release runs, but is not on record')
  throw new JijiError(
    'failed',
    `${server.server}: the release runs, but could not be recorded: ${lastLine(output.stderr)}`,
    { server: server.server, hint: 'is the disk full?' },
  )
}
