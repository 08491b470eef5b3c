import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { apply } from '../deploy/apply.ts'
import { type Observation, observeAll } from '../deploy/observe.ts'
import type { Plan } from '../deploy/plan/plan.ts'
import { recorder } from '../runner/recorder.ts'
import { type Connection, canTunnel, type Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'
import { ownerOf, showPlan } from './release.ts'

/**
 * A dry run: the plan, made from what the servers say now; with -v also every script that it leads to, because the
 * plan is then carried out by runners that run nothing.
 */
export async function rehearse(
  context: Context,
  config: Config,
  secrets: Secrets,
  runners: ReadonlyMap<string, Runner>,
  planFrom: (observations: readonly Observation[]) => Plan | Promise<Plan>,
): Promise<void> {
  const { output, signal } = context
  const observations = await observeAll(config, runners, signal)
  const plan = await planFrom(observations)
  showPlan(context, plan)
  if (!output.style.verbose) return
  const pretended = new Map([...runners].map(([name, runner]) => [name, pretend(context, runner)]))
  const images = async () => new Map(plan.builds.map(({ service }) => [service, 'sha256:THE-DIGEST-THAT-IS-PUSHED']))
  const actor = { by: 'you', host: 'here', who: { login: 'you@here' } }
  const owner = ownerOf(actor, context)
  await apply(
    { config, secrets, runners: pretended, observations, owner, actor, report: () => {}, signal },
    { ...plan, rollout: { ...plan.rollout, wait: 0 } },
    images,
  )
}

function pretend({ output }: Context, runner: Runner): Runner {
  const { server } = runner
  const silent = recorder(server)
  const run: Runner['run'] = (script, options) => {
    output.script(runner, script, { isFed: options?.input !== undefined })
    return silent.run(script, options)
  }
  const tunnel: Pick<Connection, 'forward' | 'dial'> = {
    forward: async port => ({ port, close: async () => {} }),
    dial: async () => Promise.reject(new Error('nothing is connected in a dry run')),
  }
  return { ...silent, run, ...(canTunnel(runner) ? { ...tunnel, address: runner.address } : {}) }
}
