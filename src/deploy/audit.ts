import { JijiError } from '../errors.ts'
import { canTunnel, type Runner } from '../runner/runner.ts'
import { type AuditEntry, appendAudit } from '../shell/audit.ts'
import type { Actor } from './actor.ts'
import { failedReleaseIn } from './failed-release.ts'
import type { Plan, ServerPlan } from './plan/plan.ts'

type Deed = Omit<AuditEntry, 'at' | 'by' | 'project' | 'server' | 'login' | 'git' | 'ci' | 'ssh'>

/** What a server remembers of something that was done to it. */
export function auditEntry(actor: Actor, project: string, runner: Runner, deed: Deed): AuditEntry {
  return {
    at: new Date().toISOString(),
    by: actor.by,
    project,
    server: runner.server,
    ...deed,
    ...whoAt(actor, runner),
  }
}

/** The key is the one that this side logged in with: a server tells a session of its own only if it was set up to. */
function whoAt({ who }: Actor, runner: Runner): Partial<AuditEntry> {
  if (!canTunnel(runner)) return who
  const { user, key } = runner.address
  return { ...who, ssh: { user, ...(key ? { key } : {}) } }
}

/** What a server remembers of a release, whatever came of it. */
export function releaseEntry(
  actor: Actor,
  plan: Plan,
  server: ServerPlan,
  runner: Runner,
  outcome: Pick<AuditEntry, 'result' | 'reason'>,
): AuditEntry {
  return auditEntry(actor, plan.project, runner, {
    action: plan.action,
    services: server.replacements.map(({ service }) => service),
    ...(server.from ? { from: server.from.version } : {}),
    to: plan.version,
    release: plan.release,
    ...outcome,
  })
}

type AuditContext = {
  runners: ReadonlyMap<string, Runner>
  actor: Actor
  scope: string
  /** What an engine said may contain a secret, and what is recorded stays. */
  mask: (text: string) => string
}

/** Leaves a trace of a release that failed, on every server that can still be reached and does not have all of it. */
export async function auditFailure(
  { runners, actor, scope, mask }: AuditContext,
  plan: Plan,
  error: unknown,
): Promise<void> {
  const code = error instanceof JijiError ? error.code : 'fault'
  const result = code === 'interrupted' ? 'interrupted' : code === 'release.unhealthy' ? 'rolled-back' : 'failed'
  const reason = mask(error instanceof Error ? error.message : String(error))
  const kept = failedReleaseIn(error)?.kept
  await Promise.allSettled(
    plan.servers.map(server => {
      const runner = kept?.has(server.server) ? undefined : runners.get(server.server)
      const entry = runner && releaseEntry(actor, plan, server, runner, { result, reason })
      return entry && runner.run(appendAudit(scope, entry), { timeout: 10_000 })
    }),
  )
}
