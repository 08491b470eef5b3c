import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Output, Runner, RunOptions } from '../runner/runner.ts'
import { type AuditEntry, appendAudit } from '../shell/audit.ts'
import { exits } from '../shell/engine.ts'
import { requireLock } from '../shell/lock.ts'
import { lines, type Script } from '../shell/script.ts'
import type { ApplyContext } from './apply-context.ts'
import { auditEntry } from './audit.ts'
import { lockLost } from './failure.ts'
import { limits } from './limits.ts'
import { runnerOf } from './losses.ts'

/** What work on what stands on servers needs to know. */
export type Tending = Pick<
  ApplyContext,
  'config' | 'runners' | 'observations' | 'owner' | 'actor' | 'report' | 'signal'
> & { mask: (text: string) => string }

type Deed = Pick<AuditEntry, 'action' | 'services'>

type Place = Parameters<typeof engineFailure>[1]

/**
 * Runs a script on a server under the lock, and records what came of it. A script that is interrupted undoes what it has
 * begun, or goes through with it.
 * @returns what it said
 * @throws JijiError failed, with what `explain` makes of its end
 */
export async function runTending(
  tending: Tending,
  { server, engine }: { server: string; engine: Place },
  {
    deed,
    script,
    explain,
    leavesNoTrace = false,
    ...how
  }: {
    deed: Deed
    script: Script
    /** What it does takes the audit along. */
    leavesNoTrace?: boolean
    explain: (output: Output) => JijiError | undefined
  } & Pick<RunOptions, 'timeout' | 'grace' | 'onLine' | 'input'>,
): Promise<string> {
  const { config, owner, signal } = tending
  const runner = runnerOf(tending, server)
  const run = runner.run(lines(requireLock(config.scope, owner), script), { signal, timeout: limits.record, ...how })
  const output = await run.catch(async (error: unknown) => {
    await record(tending, runner, { ...deed, ...outcomeOf(tending, error) })
    throw error
  })
  const failure = output.code === 0 ? undefined : (explain(output) ?? failureOf(runner, engine, deed, output))
  if (failure || !leavesNoTrace) await record(tending, runner, { ...deed, ...outcomeOf(tending, failure) })
  if (failure) throw failure
  return output.stdout
}

function failureOf(runner: Runner, engine: Place, { action }: Deed, output: Output): JijiError {
  const { server } = runner
  if (output.code === exits.lockLost) return lockLost(server, 'nothing was changed')
  return (
    engineFailure(runner, engine, output) ??
    new JijiError('failed', `${server}: ${action} failed: ${lastLine(output.stderr)}`, { server })
  )
}

function outcomeOf({ mask }: Tending, error: unknown): Pick<AuditEntry, 'result' | 'reason'> {
  if (error === undefined) return { result: 'done' }
  const isInterrupt = error instanceof JijiError && error.code === 'interrupted'
  const reason = mask(error instanceof Error ? error.message : String(error))
  return { result: isInterrupt ? 'interrupted' : 'failed', reason }
}

/** What is done is done also where that cannot be written. */
async function record(
  { config, actor }: Tending,
  runner: Runner,
  deed: Omit<AuditEntry, 'at' | 'by' | 'project' | 'server'>,
) {
  const entry = auditEntry(actor, config.project, runner, deed)
  await runner.run(appendAudit(config.scope, entry), { timeout: 10_000 }).catch(() => {})
}
