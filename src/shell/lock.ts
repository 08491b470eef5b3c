import { exits } from './engine.ts'
import { stateFolder } from './names.ts'
import { type Script, sh } from './script.ts'

/** Who holds a lock; one line of JSON on the server. */
export type LockOwner = { by: string; host: string; since: string; command: string; message?: string }

/**
 * Takes the lock, runs `then`, and keeps the lock until its stdin ends: a holder that dies lets go of it. Where it is
 * taken, ends with exits.lockHeld and the line `lock JSON`.
 */
export function holdLock(scope: string, owner: LockOwner, then: Script): Script {
  return sh`${takeLock(scope, owner)}
on_exit() { rm -rf "$state/lock"; }
${then}
echo ready
interruptible sleep 1000000`
}

/** Takes the lock for as long as nobody releases it. */
export function takeLock(scope: string, owner: LockOwner): Script {
  return sh`${stateFolder(scope)}
mkdir -p "$state/releases" || exit
mkdir "$state/lock" 2>/dev/null || {
  [ -d "$state/lock" ] || exit 1
  printf 'lock '; cat "$state/lock/owner" 2>/dev/null || echo '{}'
  exit ${exits.lockHeld}
}
printf '%s\\n' ${JSON.stringify(owner)} >"$state/lock/owner"`
}

export function releaseLock(scope: string): Script {
  return sh`${stateFolder(scope)}
[ -d "$state/lock" ] || exit 0
printf 'lock '; cat "$state/lock/owner" 2>/dev/null || echo '{}'
rm -rf "$state/lock"`
}

export function readLock(scope: string): Script {
  return sh`${stateFolder(scope)}
[ ! -f "$state/lock/owner" ] || { printf 'lock '; cat "$state/lock/owner"; }`
}
