import { exits } from './engine.ts'
import { stateFolder } from './names.ts'
import { type Script, sh } from './script.ts'

/** Who holds a lock; one line of JSON on the server. */
export type LockOwner = { by: string; host: string; since: string; command: string; message?: string }

/**
 * Takes the lock, runs `then`, and keeps the lock until its stdin ends: a holder that dies lets go of it, but not of one
 * that somebody else has taken meanwhile. Where it is taken, ends with exits.lockHeld and the line `lock JSON`; where the
 * owner itself has it, over a connection that is lost, `isAgain` ends that, and the lock is free in a moment.
 */
export function holdLock(scope: string, owner: LockOwner, then: Script, { isAgain = false } = {}): Script {
  return sh`${isAgain ? endOwnSession(scope, owner) : sh`:`}
${takeLock(scope, owner)}
on_exit() { [ "$(cat "$state/lock/owner")" != ${JSON.stringify(owner)} ] || rm -rf "$state/lock"; }
echo "$$ $boot" >"$state/lock/holder" || exit
${then}
echo ready
interruptible sleep 1000000`
}

/**
 * Takes the lock for as long as nobody releases it. One whose holder is gone, because the server lost its power or the
 * holder was killed, is no lock any more; nor is one that a full disk leaves without an owner.
 */
export function takeLock(scope: string, owner: LockOwner): Script {
  return sh`${stateFolder(scope)}
mkdir -p "$state/releases" || exit
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
if read -r pid booted 2>/dev/null <"$state/lock/holder"; then
  [ "$booted" = "$boot" ] && { [ -d "/proc/$pid" ] || ps -p "$pid" >/dev/null 2>&1; } ||
    { mv "$state/lock" "$state/lock.$$" && rm -rf "$state/lock.$$"; }
fi
mkdir "$state/lock" 2>/dev/null || {
  [ -d "$state/lock" ] || exit 1
  printf 'lock '; cat "$state/lock/owner" 2>/dev/null || echo '{}'
  exit ${exits.lockHeld}
}
printf '%s\\n' ${JSON.stringify(owner)} >"$state/lock/owner" || { rm -rf "$state/lock"; exit 1; }`
}

/**
 * Ends the connection over which this owner holds the lock, and with it all that still runs over it. The owner knows that
 * it is lost; a server learns of that late, or never when the owner's network has changed.
 */
function endOwnSession(scope: string, owner: LockOwner): Script {
  return sh`${stateFolder(scope)}
if [ "$(cat "$state/lock/owner" 2>/dev/null)" = ${JSON.stringify(owner)} ] && read -r process _ <"$state/lock/holder"; then
  while process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status") && [ "\${process:-1}" -gt 1 ]; do
    case $(cat "/proc/$process/comm") in sshd* | dropbear*) kill -KILL "$process"; break ;; esac
  done
fi 2>/dev/null`
}

export function releaseLock(scope: string): Script {
  return sh`${stateFolder(scope)}
[ -d "$state/lock" ] || exit 0
printf 'lock '; cat "$state/lock/owner" 2>/dev/null || echo '{}'
rm -rf "$state/lock"`
}

export function readLock(scope: string): Script {
  return sh`${stateFolder(scope)}
[ ! -d "$state/lock" ] || { printf 'lock '; cat "$state/lock/owner" 2>/dev/null || echo '{}'; }`
}
