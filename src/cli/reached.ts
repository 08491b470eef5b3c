import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { type Selected, without } from '../config/select.ts'
import type { Plan, Skipped } from '../deploy/plan/plan.ts'
import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import type { Context } from './context.ts'
import { tellAtOnce, unreachable, withReachable } from './servers.ts'

/** The servers of a release that are there. */
export type Reached = { runners: Map<string, Runner>; selected: Selected; skipped: readonly Skipped[] }

/**
 * Connects to the servers of a release. One that is down fails it, or is left out with --skip-unreachable; one that
 * refuses us, or is not who it was, fails it in any case.
 */
export async function withReached<T>(
  context: Context,
  config: Config,
  secrets: Secrets,
  selected: Selected,
  use: (reached: Reached) => Promise<T>,
): Promise<T> {
  const total = selected.servers.length
  const maySkip = context.options.flag('skip-unreachable')
  return withReachable(
    context,
    config,
    secrets,
    selected.servers,
    ({ runners, failures }) => {
      const left = without(
        selected,
        failures.map(({ server }) => server ?? ''),
      )
      const canGoOn = failures.every(isDown) && left.services.length > 0
      if (failures.length > 0 && !(canGoOn && maySkip)) throw refusal(failures, total, canGoOn)
      const skipped = failures.map(({ server = '', code, message }) => ({ server, code, reason: message }))
      return use({ runners, selected: left, skipped })
    },
    { onFailure: tellAtOnce(context) },
  )
}

/** Plans name those that were left out. */
export function namingSkipped(plan: Plan, { skipped }: Reached): Plan {
  return skipped.length > 0 ? { ...plan, skipped } : plan
}

function isDown({ code }: JijiError): boolean {
  return code === 'server.unreachable' || code === 'server.timeout'
}

function refusal(failures: readonly JijiError[], total: number, canGoOn: boolean): JijiError {
  const [first] = failures
  const all = failures.length === 1 && first ? first : unreachable(failures, total)
  if (!canGoOn) return all
  const { code, message, server, hint, output } = all
  return new JijiError(code, message, {
    ...(server ? { server } : {}),
    ...(output ? { output } : {}),
    hint: `${hint ? `${hint}\n  ` : ''}nothing was changed; --skip-unreachable leaves ${failures.length > 1 ? 'them' : 'it'} out`,
    cause: all,
  })
}
