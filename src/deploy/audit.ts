import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import { type AuditEntry, appendAudit } from '../shell/records.ts'
import type { Plan, ServerPlan } from './plan/plan.ts'

/** What a server remembers of a release, whatever came of it. */
export function auditEntry(
  plan: Plan,
  server: ServerPlan,
  by: string,
  outcome: Pick<AuditEntry, 'result' | 'reason'>,
): AuditEntry {
  return {
    at: new Date().toISOString(),
    by,
    action: plan.action,
    project: plan.project,
    server: server.server,
    services: server.replacements.map(({ service }) => service),
    ...(server.from ? { from: server.from.version } : {}),
    to: plan.version,
    release: plan.release,
    ...outcome,
  }
}

type AuditContext = {
  runners: ReadonlyMap<string, Runner>
  by: string
  scope: string
  /** What an engine said may contain a secret, and what is recorded stays. */
  mask: (text: string) => string
}

/** Leaves a trace of a release that failed, on every server that can still be reached. */
export async function auditFailure(
  { runners, by, scope, mask }: AuditContext,
  plan: Plan,
  error: unknown,
): Promise<void> {
  const code = error instanceof JijiError ? error.code : 'fault'
  const result = code === 'interrupted' ? 'interrupted' : code === 'release.unhealthy' ? 'rolled-back' : 'failed'
  const reason = mask(error instanceof Error ? error.message : String(error))
  await Promise.allSettled(
    plan.servers.map(server =>
      runners
        .get(server.server)
        ?.run(appendAudit(scope, auditEntry(plan, server, by, { result, reason })), { timeout: 10_000 }),
    ),
  )
}
