import type { Config } from '../config/config.ts'
import { findActor } from '../deploy/actor.ts'
import { auditEntry } from '../deploy/audit.ts'
import { limits } from '../deploy/limits.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { type AuditEntry, appendAudit } from '../shell/audit.ts'
import type { Context } from './context.ts'
import { thisMachine } from './servers.ts'

/**
 * Puts on record that somebody's command is about to run on servers: before it does, since nobody knows what it does to
 * them, and without its words, which may hold secrets. It runs also where that cannot be written, such as on a disk
 * that is full.
 */
export async function putOnRecord(
  context: Context,
  { scope, project }: Config,
  runners: readonly Runner[],
  what: Pick<AuditEntry, 'action' | 'services'>,
): Promise<void> {
  const actor = await findActor(thisMachine(context), context.environment)
  const record = async (runner: Runner) => {
    const script = appendAudit(scope, auditEntry(actor, project, runner, { ...what, result: 'begun' }))
    const { code, stderr } = await runner.run(script, { signal: context.signal, timeout: limits.ask })
    if (code !== 0) context.output.warn(`${runner.server}: this is not in the audit: ${lastLine(stderr)}`)
  }
  await Promise.all(
    [...new Set(runners)].map(runner =>
      record(runner).catch(error => {
        if (!(error instanceof JijiError) || error.code !== 'server.timeout') throw error
        context.output.warn(error.message)
      }),
    ),
  )
}
