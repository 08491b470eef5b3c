import { exits } from './engine.ts'
import { stateFolder } from './names.ts'
import { type Script, sh } from './script.ts'

/** Who holds a lock; one line of JSON on the server. `id` tells two of one person apart that began at the same moment. */
export type LockOwner = { by: string; host: string; since: string; command: string; message?: string; id?: string }

/** A holder looks for its owner's sign of life every so many seconds, and gives up when it has looked so often in vain. */
export const heartbeat = { seconds: 3, misses: 10 }

/**
 * Takes the lock, runs `then`, and keeps the lock until its stdin ends: it lets go of it, but not of one that somebody
 * else has taken meanwhile. From `ready` on, each line of its input is a sign of life. When none comes any more the
 * script ends with exits.lockSilent and leaves the lock behind, which from then on anybody may take over. It counts
 * looks and not the clock, which may jump.
 */
export function holdLock(scope: string, owner: LockOwner, then: Script, { seconds, misses } = heartbeat): Script {
  return sh`${takeLock(scope, owner)}
isSilent=
me="$$ $(born $$)- $boot"
before=$(holderIn "$lock")
printf '%s\\n' "$me" >"$lock/.holder" && mv "$lock/.holder" "$lock/holder" || { rm -rf "$lock"; exit 1; }
on_exit() { [ -n "$isSilent" ] || [ "$(cat "$lock/holder")" != "$me" ] || rm -rf "$lock"; }
(trap - EXIT TERM; while read -r _ <&3; do true >"$lock/beat.$$"; done; kill -TERM $$) >/dev/null 2>&1 &
watch=$!
exec 3<&-
[ -z "$before" ] || isGone "$before" || endSession $before
${then}
echo ready
misses=0
while [ "$misses" -lt ${misses} ]; do
  interruptible sleep ${seconds}
  [ "$(cat "$lock/holder" 2>/dev/null)" = "$me" ] || exit ${exits.lockLost}
  if mv "$lock/beat.$$" "$lock/pulse" 2>/dev/null; then misses=0; else misses=$((misses + 1)); fi
done
isSilent=1
exit ${exits.lockSilent}`
}

/**
 * Takes the lock for as long as nobody releases it. One whose holder is gone is taken over, with the line `gone JSON`:
 * because it heard nothing from its owner any more, was killed, or the server lost its power. One that is this owner's
 * already stays his, with the line `kept`. Where it is taken, ends with exits.lockHeld and the line `lock JSON`.
 */
// What is moved away may be the lock of somebody who was quicker to take it over: then it is put back.
export function takeLock(scope: string, owner: LockOwner): Script {
  return sh`${lockFolder(scope)}
mkdir -p "$state/releases" || exit
if [ "$(cat "$lock/owner" 2>/dev/null)" = ${JSON.stringify(owner)} ]; then
  echo kept
else
  holder=$(holderIn "$lock")
  if isGone "$holder" && mv "$lock" "$lock.$$"; then
    if [ "$(holderIn "$lock.$$")" = "$holder" ]; then
      showOwner gone "$lock.$$"
      rm -rf "$lock.$$"
    else
      mv "$lock.$$" "$lock"
    fi
  fi
  mkdir "$lock" 2>/dev/null || {
    [ -d "$lock" ] || exit 1
    showOwner lock "$lock"
    exit ${exits.lockHeld}
  }
  printf '%s\\n' ${JSON.stringify(owner)} >"$lock/owner" || { rm -rf "$lock"; exit 1; }
fi`
}

/** Ends the script with exits.lockLost where somebody else has the lock by now, or nobody. */
export function requireLock(scope: string, owner: LockOwner): Script {
  return sh`${stateFolder(scope)}
[ "$(cat "$state/lock/owner" 2>/dev/null)" = ${JSON.stringify(owner)} ] || exit ${exits.lockLost}`
}

export function releaseLock(scope: string): Script {
  return sh`${lockFolder(scope)}
[ -d "$lock" ] || exit 0
showOwner lock "$lock"
rm -rf "$lock"`
}

/**
 * The line `lock JSON`, and for one that is held and not taken by hand `holder live` or `holder gone`, with the seconds
 * since the last sign of life.
 */
export function readLock(scope: string): Script {
  return sh`${lockFolder(scope)}
[ -d "$lock" ] || exit 0
showOwner lock "$lock"
holder=$(holderIn "$lock")
[ -n "$holder" ] || exit 0
if isGone "$holder"; then how=gone; else how=live; fi
pulse=$(date -r "$lock/pulse" +%s 2>/dev/null)
echo "holder $how \${pulse:+$(($(date +%s) - pulse))}"`
}

// A process id is used again, so it only counts together with the moment at which its process began. An owner who comes
// back over another connection knows that the one before is lost, which the server learns late, or never when the owner's
// network has changed: then that session is ended, with all that still runs over it. A lock that is taken by hand has no holder.
// A power cut leaves files empty that were written just before: such a holder is gone.
function lockFolder(scope: string): Script {
  return sh`${stateFolder(scope)}
lock=$state/lock
showOwner() { owner=$(cat "$2/owner" 2>/dev/null); [ -n "$owner" ] || owner='{}'; printf '%s\\n' "$1 $owner"; }
holderIn() { [ ! -f "$1/holder" ] || { cat "$1/holder"; [ -s "$1/holder" ] || echo lost; }; } 2>/dev/null
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
born() { cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null || ps -o lstart= -p "$1" 2>/dev/null | tr -d ' '; }
endSession() {
  process=$1
  while process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status") && [ "\${process:-1}" -gt 1 ]; do
    case $(cat "/proc/$process/comm") in sshd* | dropbear*) kill -KILL "$process"; break ;; esac
  done
} 2>/dev/null
isGone() {
  [ -n "$1" ] || return 1
  set -- $1
  [ "$3" != "$boot" ] || [ "$(born "$1")-" != "$2" ]
}`
}
