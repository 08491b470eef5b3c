import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { exits } from '../shell/engine.ts'
import { runServiceHook } from '../shell/service-hook.ts'
import type { ApplyContext } from './apply-context.ts'
import { holding, reported } from './event.ts'
import { lockLost } from './failure.ts'
import { runnerOf } from './losses.ts'
import type { HookPlan, Plan, ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { inOrder } from './plan/rounds.ts'
import { serviceOf } from './put-back.ts'
import { surroundingsOf } from './surroundings.ts'

/** Runs the services' own hooks, one after the other in the order of the rollout, before anything is switched. */
export async function runServiceHooks(context: ApplyContext, plan: Plan): Promise<void> {
  for (const name of inOrder(context.config)) {
    for (const server of plan.servers) {
      const replacement = server.replacements.find(({ service }) => service === name)
      if (replacement?.hook) await runOne(context, server, replacement, replacement.hook)
    }
  }
}

async function runOne(
  context: ApplyContext,
  { server, engine }: ServerPlan,
  { service: name, image }: ReplacementPlan,
  hook: HookPlan,
): Promise<void> {
  const { config, owner, report, signal } = context
  const event = { step: 'hook', server, service: name, detail: 'pre_deploy' } as const
  const script = runServiceHook(engine, {
    ...surroundingsOf(context, serviceOf(config, name)),
    owner,
    name: hook.container,
    image,
    command: hook.command,
  })
  await reported(report, event, async () => {
    const onLine = (detail: string) => {
      if (!status.test(detail)) report({ ...event, state: 'note', detail })
    }
    const container = { step: 'hook', server, service: name, detail: hook.container } as const
    const output = await holding(report, container, () => runnerOf(context, server).run(script, { signal, onLine }))
    if (output.code !== 0) throw whyFailed(server, name, output)
  })
}

const status = /^status (\d+)$/

function whyFailed(server: string, service: string, output: { code: number; stdout: string; stderr: string }) {
  if (output.code === exits.lockLost) return lockLost(server, `the hook pre_deploy of ${service} was not run`)
  const how = output.code === exits.hookFailed ? Number(status.exec(lastLine(output.stdout))?.[1]) : output.code
  // From 125 on it is the engine that speaks.
  const why = how >= 125 || output.code !== exits.hookFailed ? `: ${lastLine(output.stderr)}` : ''
  return new JijiError('hook.failed', `${server}: the hook pre_deploy of ${service} ended with status ${how}${why}`, {
    server,
    hint: `nothing was switched; see services.${service}.hooks.pre_deploy`,
  })
}
