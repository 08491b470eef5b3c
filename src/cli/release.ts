import { randomUUID } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { durationForm, longestDuration, parseDuration } from '../config/duration.ts'
import type { Secrets } from '../config/secrets.ts'
import { type Actor, findActor } from '../deploy/actor.ts'
import { apply } from '../deploy/apply.ts'
import { auditFailure } from '../deploy/audit.ts'
import type { Pushed } from '../deploy/build.ts'
import { type Locked, withLock } from '../deploy/lock.ts'
import type { Observation } from '../deploy/observe.ts'
import type { Plan } from '../deploy/plan/plan.ts'
import { withReturning } from '../deploy/recorded.ts'
import { inTermsOfDisks } from '../deploy/room.ts'
import { JijiError } from '../errors.ts'
import { unlessAborted } from '../runner/abort.ts'
import type { Runner } from '../runner/runner.ts'
import { renderPlan, renderRelease } from '../ui/plan.ts'
import type { Context } from './context.ts'
import type { Hooks } from './hooks.ts'
import { connectAgain, thisMachine } from './servers.ts'

type Scene = { config: Config; secrets: Secrets; runners: Map<string, Runner>; hooks?: Hooks }

/** A plan that was carried out, and the configuration that runs now. */
export type Released = { plan: Plan; config: Config }

/** Under the lock: what the servers say now, a plan made from it, and the plan carried out. */
export async function release(
  context: Context,
  { config, secrets, runners, hooks }: Scene,
  planFrom: (observations: readonly Observation[]) => Plan,
  images: () => Promise<Pushed>,
): Promise<Released> {
  const { output } = context
  const wait = waitOf(context)
  const actor = await findActor(thisMachine(context), context.environment)
  const began = Date.now()
  const report = output.event.bind(output)

  const again: Runner[] = []
  const owner = ownerOf(actor, context)
  const work = async ({ observations, holdAgain, signal }: Locked) => {
    const plan = planFrom(observations)
    hooks?.learn(factsOf(plan))
    const reconnect = async (name: string) => {
      const server = config.servers.find(one => one.name === name)
      if (!server) throw new Error(`there is no server ${name}`)
      const runner = await connectAgain(context, config, secrets, server)
      again.push(runner)
      await holdAgain(runner)
      runners.set(name, runner)
    }
    try {
      if (hooks?.has('pre-deploy')) {
        await unlessAborted(images(), signal)
        await hooks.run('pre-deploy', signal)
      }
      await apply({ config, secrets, runners, reconnect, observations, owner, actor, report, signal }, plan, images)
      return { plan, as: plan.action === 'rollback' ? withReturning({ config, observations }, plan) : config }
    } catch (error) {
      await auditFailure({ runners, actor, scope: config.scope, mask: text => output.mask(text) }, plan, error)
      throw error
    }
  }
  const lock = { config, owner, wait, report, signal: context.signal, startsContainers: true }
  const underLock = () => withLock(lock, [...runners.values()], work)
  const { plan, as } = await inTermsOfDisks(config, runners, underLock).finally(() =>
    Promise.all(again.map(runner => runner.close())),
  )
  const milliseconds = Date.now() - began
  if (output.style.json) output.json({ ...plan, result: 'done', seconds: milliseconds / 1000 })
  else output.result(renderRelease(plan, as, milliseconds, output.timeline.spans(), output.columns))
  for (const { server, reason } of plan.skipped ?? [])
    output.warn(`${server} was left out, and serves what it did before: ${reason}`)
  return { plan, config: as }
}

function factsOf({ version, release, servers, skipped }: Plan) {
  return {
    JIJI_VERSION: version,
    JIJI_RELEASE: release,
    ...(skipped ? { JIJI_SERVERS: namesOf(servers), JIJI_SKIPPED: namesOf(skipped) } : {}),
  }
}

function namesOf(servers: readonly { server: string }[]): string {
  return servers.map(({ server }) => server).join(',')
}

export function ownerOf({ by, host }: Actor, { command, options }: Context) {
  const environment = options.text('environment')
  return {
    by,
    host,
    since: new Date().toISOString(),
    command: environment ? `${command} -e ${environment}` : command,
    id: randomUUID(),
  }
}

/** `--wait` alone waits for a quarter of an hour, about as long as a job in CI may stand still. */
export function waitOf({ options }: Context): number | undefined {
  const text = options.text('wait')
  if (text === undefined) return undefined
  const wait = text === '' ? 15 * 60_000 : parseDuration(text)
  if (wait === undefined) throw new JijiError('usage', `--wait takes ${durationForm}, not ${text}`)
  if (wait > longestDuration) throw new JijiError('usage', `--wait takes 24h at most, not ${text}`)
  return wait
}

export function isAsked({ options, output }: Context): boolean {
  return output.isInteractive && !options.flag('yes')
}

export async function confirmPlan({ output }: Context, plan: Plan): Promise<void> {
  await output.confirm(renderPlan(plan), 'yes')
}

export function showPlan({ output }: Context, plan: Plan): void {
  if (output.style.json) output.json(plan)
  else output.result(renderPlan(plan))
}
