import type { Engine } from '../config/config.ts'
import { runContainers, type Surroundings } from './container.ts'
import { exits } from './engine.ts'
import { type LockOwner, requireLock } from './lock.ts'
import { labels } from './names.ts'
import { labelWords } from './proxy.ts'
import { type Script, sh } from './script.ts'

export type ServiceHook = Surroundings & {
  owner: LockOwner
  /** The name of its container. */
  name: string
  image: string
  command: readonly string[]
}

/**
 * Runs a command in a container of its own, which is gone afterwards in any case, and shows what it writes. One that
 * fails gives `status N` as its last line, and exits.hookFailed. The label lets the next deploy clear away what a power
 * cut has left.
 */
export function runServiceHook(engine: Engine, hook: ServiceHook): Script {
  const words = ['--rm', '--name', hook.name, ...labelWords({ [labels.project]: hook.scope })]
  const { prepare, environment, run } = runContainers(engine, hook, hook.image, hook.command)
  return sh`${requireLock(hook.scope, hook.owner)}
container=${hook.name}
on_exit() { ${engine} rm -f "$container"; } >/dev/null 2>&1
${prepare}
run_hook() {
${environment}
exec ${run(words)}
}
interruptible run_hook || {
  echo "status $status"
  exit ${exits.hookFailed}
}`
}
