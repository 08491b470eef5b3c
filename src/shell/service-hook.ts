import type { Engine } from '../config/config.ts'
import { exits } from './engine.ts'
import { type LockOwner, requireLock } from './lock.ts'
import { labels } from './names.ts'
import { type OneOff, runOneOff } from './one-off.ts'
import { labelWords } from './proxy.ts'
import { type Script, sh } from './script.ts'

export type ServiceHook = OneOff & { owner: LockOwner }

/**
 * Runs a command in a container of its own, which is gone afterwards in any case, and shows what it writes. One that
 * fails gives `status N` as its last line, and exits.hookFailed. The label lets the next deploy clear away what a power
 * cut has left.
 */
export function runServiceHook(engine: Engine, hook: ServiceHook): Script {
  return sh`${requireLock(hook.scope, hook.owner)}
${runOneOff(engine, hook, labelWords({ [labels.project]: hook.scope }))} || {
  echo "status $status"
  exit ${exits.hookFailed}
}`
}
