import { findRuntimeFolder } from './rootless.ts'
import type { Script } from './script.ts'

/**
 * The text that is written to the stdin of a bare `sh`, which keeps it open while the script runs. When stdin ends
 * before the script does, whoever sent it is gone (Ctrl-C, a lost connection): the script gets SIGTERM and can undo
 * what it began in `on_exit`, which runs in any case.
 *
 * - The whole is one compound command, so that the shell has read all of it before it starts.
 * - A shell runs a trap only when its foreground child has ended: long commands go through `interruptible`. The signal
 *   may come before `$!` is kept, and a child that has just been forked forgets it: hence `new`, and a second kill.
 * - What must not be left behind, such as a credential, goes into the folder that `make_private` makes: on tmpfs, for
 *   this user alone, removed with the script however it ends.
 * - A script that is fed reads its input from descriptor 3, and so has nobody to watch it: it says `ready` first, since
 *   some shells read ahead, and where the sender is gone its input ends too early for the engine to make sense of it.
 * - SIGPIPE is ignored, or a progress line after the connection is lost would kill the shell before its clean-up.
 */
export function frame(script: Script, { isFed = false } = {}): string {
  return `{
exec 3<&0 </dev/null
PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL
${findRuntimeFolder.render()}
umask 077
on_exit() { :; }
${interruptible}
child= watch= private=
${makePrivate}
leave() {
  status=$?
  trap '' TERM HUP INT
  [ "$child" != new ] || child=$!
  [ -z "$child" ] || { kill "$child"; (sleep 0.1; kill "$child") >/dev/null & }
  on_exit
  [ -z "$private" ] || rm -rf "$private"
  kill "$watch"
  exit "$status"
} 2>/dev/null
trap leave EXIT
trap 'exit 143' TERM HUP INT
trap '' PIPE
${isFed ? '' : watch}
${script.render()}
exit
}
`
}

/** Also part of what is shown to be pasted (pasted.ts). */
export const interruptible = `interruptible() { child=new; "$@" & child=$!; wait "$child"; status=$?; child=; return "$status"; }`
export const makePrivate = `make_private() {
  for folder in /dev/shm "$XDG_RUNTIME_DIR" /run "\${TMPDIR:-/tmp}"; do [ -d "$folder" ] && [ -w "$folder" ] && break; done
  private=$(mktemp -d "$folder/jiji.XXXXXX")
}`

const watch = `(trap - EXIT TERM; while read -r _ <&3; do :; done; kill -TERM $$) >/dev/null 2>&1 &
watch=$!
exec 3<&-`
