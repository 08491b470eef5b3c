import type { Config } from '../../config/config.ts'
import { together } from '../../deploy/failure.ts'
import { findSituations, initAll } from '../../deploy/init/apply.ts'
import { type InitPlan, planInit } from '../../deploy/plan/init.ts'
import { JijiError } from '../../errors.ts'
import type { Runner } from '../../runner/runner.ts'
import { sh } from '../../shell/script.ts'
import { renderInit, renderReady } from '../../ui/init.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { tellAtOnce, withReachable } from '../servers.ts'
import { confirmRemoval, tend } from '../tend.ts'

/** Makes servers ready for a first deploy. One that cannot be, or not be reached, keeps nothing from the others. */
export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const isDryRun = options.flag('dry-run')
  const wishes = { mayJoin: options.flag('docker-group') }
  const secrets = await gatherKeys(context, config, selected.servers)

  const setUp = async (runners: ReadonlyMap<string, Runner>, unreached: readonly JijiError[]) => {
    const { situations, failures } = await findSituations(config, selected, runners, signal)
    const plan = planInit(config, selected, situations, wishes)
    const failed = [...unreached, ...failures, ...plan.refused.map(asError)]
    if (isDryRun) {
      if (output.style.json) output.json(plan)
      else output.result(renderInit(plan))
    } else {
      failed.push(...(await carryOut(context, config, runners, plan)))
      show(context, plan, failed)
    }
    if (failed.length > 1) for (const error of failed) showWords(context, error)
    if (failed.length > 0) throw together(failed, selected.servers.length)
  }
  await withReachable(context, config, secrets, selected.servers, ({ runners, failures }) => setUp(runners, failures), {
    onFailure: tellAtOnce(context),
  })
}

/** @returns why some of it could not be done */
async function carryOut(
  context: Context,
  config: Config,
  runners: ReadonlyMap<string, Runner>,
  plan: InitPlan,
): Promise<JijiError[]> {
  const changing = plan.servers.filter(({ steps }) => steps.length > 0)
  if (changing.length === 0) return []
  const where = changing.map(({ server }) => server).join(', ')
  await confirmRemoval(context, renderInit(plan), `${where} would be set up: --dry-run shows how`)
  const own = new Map([...runners].filter(([name]) => changing.some(({ server }) => server === name)))
  // There may be no engine yet that could say what runs there.
  return tend(context, config, own, tending => initAll(tending, changing), { observing: () => sh`:` })
}

function show({ output }: Context, plan: InitPlan, failed: readonly JijiError[]): void {
  const ready = plan.servers.filter(({ server }) => !failed.some(error => error.server === server))
  if (output.style.json) {
    const results = [
      ...ready.map(({ server, steps }) => ({ server, result: steps.length > 0 ? 'done' : 'already' })),
      ...failed.map(({ server, code, message }) => ({ server, result: 'failed', code, reason: message })),
    ]
    output.json({ ...plan, results })
    return
  }
  for (const one of ready) output.result(renderReady(one))
  for (const { server, notes } of ready) for (const note of notes) output.warn(`${server}: ${note}`)
}

/** What was said where it failed; with one failure alone that is shown with it. */
function showWords({ output }: Context, { server = '', output: said = '' }: JijiError): void {
  for (const line of said.trimEnd().split('\n')) if (line) output.foreign(server, line, 'stderr')
}

function asError({ server, code, message, hint }: InitPlan['refused'][number]): JijiError {
  return new JijiError(code, message, { server, ...(hint ? { hint } : {}) })
}
