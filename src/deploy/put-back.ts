import type { Config, Service } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { exits } from '../shell/engine.ts'
import { requireLock } from '../shell/lock.ts'
import type { Replacement } from '../shell/replace.ts'
import { lines, sh } from '../shell/script.ts'
import type { ApplyContext } from './apply-context.ts'
import { reported } from './event.ts'
import { lockLost } from './failure.ts'
import { runnerOf } from './losses.ts'
import type { Plan, ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { serviceFor } from './recorded.ts'
import { replaceOne } from './replace.ts'

export type Switched = { server: ServerPlan; replacement: ReplacementPlan }

/** What serves the new version still, after all. */
export type Stuck = Switched & { why: string }

/**
 * Goes back to the containers that ran before, the last one switched first. Not to be interrupted: it is what makes an
 * interrupt harmless.
 */
export async function putBack(context: ApplyContext, switched: readonly Switched[]): Promise<Stuck[]> {
  const uninterrupted = { ...context, signal: new AbortController().signal }
  const tries = switched.toReversed().map(async (one): Promise<Stuck[]> => {
    const { server, replacement } = one
    const place = { server: server.server, service: replacement.service }
    let isBack = false
    const onBack = () => {
      isBack = true
      context.report({ step: 'switch', state: 'let go', ...place })
    }
    try {
      await reported(context.report, { step: 'put back', ...place }, () => putOneBack(uninterrupted, one, onBack))
      return []
    } catch (error) {
      return isBack ? [] : [{ ...one, why: error instanceof Error ? error.message : String(error) }]
    }
  })
  return (await Promise.all(tries)).flat()
}

async function putOneBack(context: ApplyContext, { server, replacement }: Switched, onBack: () => void): Promise<void> {
  const { config, owner } = context
  const { service, candidate, live } = replacement
  if (!live) return await takeAway(context, server, candidate).then(onBack)
  const back: Replacement = {
    scope: config.scope,
    owner,
    service: serviceFor(context, server.server, service, live.names[0]),
    candidate: standing(live),
    live: standing(candidate),
    afterwards: candidate.isNew ? 'remove' : 'stop',
    leftovers: { remove: [], stop: [] },
    timing: config.deploy,
  }
  await replaceOne({ ...context, report: () => {} }, server, back, onBack)
}

async function takeAway(
  context: ApplyContext,
  { server, engine }: ServerPlan,
  { names, isNew }: ReplacementPlan['candidate'],
): Promise<void> {
  const script = sh`${engine} ${isNew ? ['rm', '-f'] : ['stop']} ${names}`
  const output = await runnerOf(context, server).run(lines(requireLock(context.config.scope, context.owner), script))
  if (output.code === exits.lockLost) throw lockLost(server, `${names.join(', ')} was not taken away`)
  if (output.code !== 0) throw new JijiError('engine.failed', lastLine(output.stderr), { server })
}

/** The failure of a release, where putting back has failed too, or has left something `down`. */
export function notPutBack(cause: unknown, stuck: readonly Stuck[], down: readonly string[], plan: Plan): JijiError {
  const serves = ({ server: { server }, replacement: { service, live } }: Stuck) =>
    `${server} (${service} serves ${plan.version}${live ? `, not ${live.version}` : ''})`
  const message = cause instanceof Error ? cause.message : String(cause)
  const before = cause instanceof JijiError && cause.output ? [cause.output.trimEnd()] : []
  const left = [
    ...(stuck.length > 0 ? [`not put back: ${stuck.map(serves).join(', ')}`] : []),
    ...(down.length > 0 ? [`does not run any more: ${down.join(', ')}`] : []),
  ]
  const whys = stuck.map(({ server, replacement, why }) => `${server.server}: ${replacement.service}: ${why}`)
  return new JijiError('release.not-put-back', [message, ...left].join('; '), {
    output: [...before, ...whys].join('\n'),
    hint: 'all else serves what it did before; when what is in the way is gone, deploy again, or go back with jiji rollback',
    cause,
  })
}

export function standing({ names, slot, ports }: Omit<NonNullable<ReplacementPlan['live']>, 'version' | 'isRunning'>) {
  return { names, slot, ports }
}

export function serviceOf(config: Config, name: string): Service {
  const service = config.services.find(one => one.name === name)
  if (!service) throw new Error(`${name} is not configured`)
  return service
}
