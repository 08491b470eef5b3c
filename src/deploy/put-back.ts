import type { Config, Service } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { exits } from '../shell/engine.ts'
import { requireLock } from '../shell/lock.ts'
import type { Member, Replacement } from '../shell/replace.ts'
import { lines, sh } from '../shell/script.ts'
import { removal } from '../shell/start-stop.ts'
import type { ApplyContext } from './apply-context.ts'
import { reported } from './event.ts'
import { lockLost } from './failure.ts'
import { type Group, groupOf, type Switched } from './group.ts'
import { runnerOf } from './losses.ts'
import type { Plan, ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { type Known, serviceFor } from './recorded.ts'
import { replaceOne } from './replace.ts'

/** What serves the new version still, after all. */
export type Stuck = Switched & { why: string }

/**
 * Goes back to the containers that ran before, the last one switched first. Not to be interrupted: it is what makes an
 * interrupt harmless.
 */
export async function putBack(context: ApplyContext, switched: readonly Switched[]): Promise<Stuck[]> {
  const uninterrupted = { ...context, signal: new AbortController().signal }
  const tries = switched
    .filter(one => !one.replacement.with)
    .toReversed()
    .map(async (one): Promise<Stuck[]> => {
      const group = groupOf(context, one)
      const all = [one, ...group.others]
      const server = one.server.server
      let isBack = false
      const onBack = () => {
        isBack = true
        for (const { replacement } of all)
          context.report({ step: 'switch', state: 'let go', server, service: replacement.service })
      }
      try {
        const place = { server, service: one.replacement.service }
        await reported(context.report, { step: 'put back', ...place }, () =>
          putGroupBack(uninterrupted, group, switched, onBack),
        )
        return []
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        return isBack ? [] : all.map(each => ({ ...each, why }))
      }
    })
  return (await Promise.all(tries)).flat()
}

/** All of a group at once; where its first is not to come back, each of the others alone. */
async function putGroupBack(
  context: ApplyContext,
  group: Group,
  switched: readonly Switched[],
  onBack: () => void,
): Promise<void> {
  const { first, others, leaving } = group
  const { server, replacement } = first
  const quiet = { ...context, report: () => {} }
  const { config, owner } = context
  const shared = { scope: config.scope, owner, timing: config.deploy }
  const isBack = replacement.live !== undefined && !comesWithAnother(context, first, switched)
  const back = [...(isBack ? [first] : []), ...others].flatMap(one => wayBack(context, one))
  const gone = [first, ...others].filter(one => !back.some(({ service }) => service.name === one.replacement.service))
  const [main, ...sharers] = back
  if (isBack && main) {
    const away = gone.map(one => goingAway(context, one))
    const more = leaving.map(({ service, live }) => ({ ...nothingLive, service, candidate: standing(live) }))
    await replaceOne(quiet, server, { ...shared, ...main, sharers: [...sharers, ...away, ...more] }, onBack)
    return
  }
  for (const one of back) await replaceOne(quiet, server, { ...shared, ...one }, () => {})
  for (const { replacement } of gone.toReversed()) await takeAway(context, server, replacement.candidate)
  onBack()
}

const nothingLive = { live: undefined, afterwards: 'stop', leftovers: { remove: [], stop: [] } } as const

/** Whether what ran before shares the network of something that goes back as well, and is started with it. */
function comesWithAnother(known: Known, { server, replacement }: Switched, switched: readonly Switched[]): boolean {
  return switched.some(
    other =>
      other.server === server &&
      other.replacement !== replacement &&
      groupOf(known, other).leaving.some(({ service }) => service.name === replacement.service),
  )
}

function wayBack(known: Known, { server, replacement }: Switched): (Member & Pick<Replacement, 'candidate'>)[] {
  const { service, candidate, live } = replacement
  if (!live) return []
  return [
    {
      service: serviceFor(known, server.server, service, live.names[0]),
      candidate: standing(live),
      live: standing(candidate),
      afterwards: candidate.isNew ? 'remove' : 'stop',
      leftovers: { remove: [], stop: [] },
    },
  ]
}

function goingAway(known: Known, { server, replacement }: Switched): Member {
  const { service, candidate } = replacement
  return {
    service: serviceFor(known, server.server, service, candidate.names[0]),
    live: standing(candidate),
    afterwards: candidate.isNew ? 'remove' : 'stop',
    leftovers: { remove: [], stop: [] },
  }
}

async function takeAway(
  context: ApplyContext,
  { server, engine }: ServerPlan,
  { names, isNew }: ReplacementPlan['candidate'],
): Promise<void> {
  const script = sh`${isNew ? removal(engine) : [engine, 'stop']} ${names}`
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
