import type { Config } from '../config/config.ts'
import { settingsOf } from '../config/recorded.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { appendAudit } from '../shell/audit.ts'
import { exits } from '../shell/engine.ts'
import { requireLock } from '../shell/lock.ts'
import { settleSite } from '../shell/proxy.ts'
import {
  finishRelease,
  finishReturn,
  type RecordedService,
  type ReleaseRecord,
  recordCurrent,
  withdrawRecord,
} from '../shell/records.ts'
import { lines, type Script } from '../shell/script.ts'
import type { ApplyContext } from './apply-context.ts'
import { releaseEntry } from './audit.ts'
import { reported } from './event.ts'
import { FailedRelease } from './failed-release.ts'
import { allTogether, lockLost } from './failure.ts'
import type { DigestsByServer } from './images.ts'
import { limits } from './limits.ts'
import { liveOf } from './live.ts'
import { overLosses, runnerOf } from './losses.ts'
import type { Observation } from './observe.ts'
import type { Plan, ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { unconfigured } from './plan/prune.ts'
import { serviceOf } from './put-back.ts'
import { whatServes } from './serving.ts'

/**
 * Has every server remember what runs there now, and does no more: until all of them do, everything can be put back.
 * @throws JijiError failed, lock.lost, server.lost
 */
export async function recordAll(context: ApplyContext, plan: Plan, digests: DigestsByServer): Promise<void> {
  const known = 'it runs the release, perhaps without having it on record'
  const recordOn = (server: ServerPlan) => {
    context.report({ step: 'record', state: 'begun', server: server.server })
    const script = recordCurrent(server.engine, context.config.scope, recordFor(context, plan, server, digests))
    return overLosses(context, server.server, () => write(context, server, script), known)
  }
  await allTogether(plan.servers.map(server => orFailed(context, server, recordOn(server))))
}

/** It is done when `finishAll` is. */
async function orFailed({ report }: ApplyContext, { server }: ServerPlan, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    report({ step: 'record', state: 'failed', server })
    throw error
  }
}

/**
 * Has servers forget a release that they may have on record, and that does not run there after all.
 * @returns why some do not
 */
export async function withdrawAll(
  { config, owner, observations, ...context }: ApplyContext,
  { release }: Plan,
  servers: readonly ServerPlan[],
): Promise<string[]> {
  const withdraw = async ({ server }: ServerPlan) => {
    const { releases = [], current } = observations.find(one => one.server === server) ?? {}
    const before = { record: releases.find(({ id }) => id === release), current }
    const script = lines(requireLock(config.scope, owner), withdrawRecord(config.scope, release, before))
    const { code, stderr } = await runnerOf(context, server).run(script, { timeout: limits.record })
    if (code !== 0) throw new Error(lastLine(stderr) || `status ${code}`)
  }
  const results = await Promise.allSettled(servers.map(withdraw))
  return results.flatMap((result, index) =>
    result.status === 'rejected'
      ? [`${servers[index]?.server}: ${release} may be on record there, and does not run: ${result.reason?.message}`]
      : [],
  )
}

/**
 * When a release is on record everywhere: takes away what is not needed any more, and leaves a line in the audit.
 * @throws FailedRelease that serves all the same
 */
export async function finishAll(context: ApplyContext, plan: Plan): Promise<void> {
  const finished = new Set<string>()
  const finish = async (server: ServerPlan) => {
    const { engine, retire, prune } = server
    const { scope } = context.config
    const tidy =
      plan.action === 'rollback'
        ? finishReturn(engine, scope, retire)
        : finishRelease(engine, scope, { ...prune, retire })
    await write(context, server, settleAround(context, plan, server, tidy), 'its audit could not be written')
    finished.add(server.server)
    context.report({ step: 'record', state: 'done', server: server.server })
  }
  try {
    await allTogether(plan.servers.map(server => orFailed(context, server, finish(server))))
  } catch (error) {
    if (!(error instanceof JijiError)) throw error
    throw new FailedRelease(thatServes(error), await whatServes(context, plan), finished)
  }
}

function thatServes(failure: JijiError): JijiError {
  const { code, message, server, hint, output } = failure
  return new JijiError(code, `${message}; the release serves, and is on record`, {
    ...(server ? { server } : {}),
    ...(hint ? { hint } : {}),
    ...(output ? { output } : {}),
    cause: failure,
  })
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
    if (plan.action === 'rollback' && replacements.length !== server.replacements.length) return
    const record = recordCurrent(server.engine, context.config.scope, recordFor(context, plan, part, digests))
    const event = { step: 'record', server: server.server } as const
    await reported(context.report, event, () => write(context, part, settleAround(context, plan, part, record)))
  }
  const results = await Promise.allSettled(plan.servers.map(recordOn))
  return results.flatMap(result => (result.status === 'rejected' ? [String(result.reason?.message)] : []))
}

function recordFor(context: ApplyContext, plan: Plan, server: ServerPlan, digests: DigestsByServer): ReleaseRecord {
  return plan.action === 'rollback' ? returnTo(context, plan, server) : releaseOf(context, plan, server, digests)
}

function releaseOf(
  { config, owner, observations }: ApplyContext,
  plan: Plan,
  server: ServerPlan,
  digests: DigestsByServer,
): ReleaseRecord {
  const observation = observations.find(one => one.server === server.server)
  const stillThere = observation ? staying(config, observation, server) : []
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

/** What a server goes on with: what is configured there, and what a deploy of other services has left alone. */
function staying(config: Config, observation: Observation, { retire }: ServerPlan): [string, RecordedService][] {
  const configured = config.services.filter(({ servers }) => servers.includes(observation.server))
  const others = unconfigured(config, observation).filter(({ name }) => !retire.includes(name))
  const names = new Set([...configured.map(({ name }) => name), ...others.map(({ service }) => service)])
  return [...names].flatMap((name): [string, RecordedService][] => {
    const recorded = onRecord(observation, config.scope, name)
    return recorded ? [[name, recorded]] : []
  })
}

/** What serves, as some release has it on record: a rollback of other services may have left the current one without. */
function onRecord(observation: Observation, scope: string, service: string): RecordedService | undefined {
  const { releases, current } = observation
  const live = liveOf(observation, scope, service).container?.name
  const now = releases.find(({ id }) => id === current)?.services[service]
  const recorded = [now, ...releases.map(({ services }) => services[service])]
  return recorded.find(one => one && one.container === live) ?? now
}

function returnTo({ observations }: ApplyContext, plan: Plan, server: ServerPlan): ReleaseRecord {
  const target = observations.find(one => one.server === server.server)?.releases.find(({ id }) => id === plan.release)
  if (!target) throw new Error(`${plan.release} is not on record on ${server.server}`)
  const moved = server.replacements.flatMap(({ service, candidate: { slot } }) => {
    const recorded = target.services[service]
    return recorded ? [[service, { ...recorded, slot }]] : []
  })
  return { ...target, services: { ...target.services, ...Object.fromEntries(moved) } }
}

/** Between the routes of before, which nobody needs any more, and the line in the audit. */
function settleAround({ config, actor, ...context }: ApplyContext, plan: Plan, server: ServerPlan, script: Script) {
  const runner = runnerOf(context, server.server)
  const audit = appendAudit(config.scope, releaseEntry(actor, plan, server, runner, { result: 'done' }))
  const site = server.site ?? server.handover?.site
  return lines(...(site ? [settleSite(server.engine, site)] : []), script, audit)
}

/** Of a release that has been switched to. */
async function write(
  { config, owner, report, ...context }: ApplyContext,
  { server, replacements }: ServerPlan,
  script: Script,
  failure = 'the release could not be recorded',
): Promise<void> {
  const all = lines(requireLock(config.scope, owner), script)
  const output = await runnerOf(context, server).run(all, { timeout: limits.record })
  if (output.code === 0) {
    for (const { service } of replacements) report({ step: 'switch', state: 'let go', server, service })
    return
  }
  if (output.code === exits.lockLost) throw lockLost(server, failure)
  throw new JijiError('failed', `${server}: ${failure}: ${lastLine(output.stderr)}`, {
    server,
    hint: 'is the disk full, or read-only?',
  })
}
