import type { Engine } from '../config/config.ts'
import { exits } from './engine.ts'
import { type Script, sh } from './script.ts'

/** What Podman has and lacks for a user who is not root. For root there is nothing of it. */

/**
 * Lines `rootless USER`, `unprivileged PORT` (the first one that this user may listen on) and `limits v1`, or `limits v2
 * CONTROLLERS` with what systemd lets this user limit, where it can be read.
 */
export function readRootless(engine: Engine): Script {
  if (engine === 'docker') return sh`:`
  return sh`if [ "$(id -u)" != 0 ]; then
  echo "rootless $(id -un)"
  echo "unprivileged $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null)"
  groups=/sys/fs/cgroup
  own=$groups/user.slice/user-$(id -u).slice/user@$(id -u).service/cgroup.controllers
  if [ -r "$own" ]; then echo "limits v2 $(cat "$own")"
  elif [ -d "$groups" ] && [ ! -f "$groups"/cgroup.controllers ]; then echo 'limits v1'; fi
fi`
}

/**
 * Sees to it that containers stay when the last session of their user ends, or ends the script with exits.noLinger. Where
 * there is no logind, nobody ends them. What the user may not allow himself, root can.
 */
export function requireLinger(engine: Engine): Script {
  if (engine === 'docker') return sh`:`
  return sh`if [ "$(id -u)" != 0 ] && [ -d /run/systemd/system ] && command -v loginctl >/dev/null; then
  ${linger}
  [ -e /var/lib/systemd/linger/"$(id -un)" ] || { echo "linger $(id -un)"; exit ${exits.noLinger}; }
fi`
}

/** A session that PAM did not open, or that is older than the folder, lacks the name of it, by which Podman and systemd find theirs. */
export const findRuntimeFolder = sh`[ -w "$XDG_RUNTIME_DIR" ] || [ "$(id -u)" = 0 ] || [ ! -w "/run/user/$(id -u)" ] || export XDG_RUNTIME_DIR="/run/user/$(id -u)"`

/** With logind: lets this user's processes stay, and waits for the folder in memory that comes with that. */
export const linger = sh`[ -e /var/lib/systemd/linger/"$(id -un)" ] || {
    loginctl --no-ask-password enable-linger "$(id -un)" >/dev/null
    waited=0
    until [ -d "/run/user/$(id -u)" ] || [ "$waited" -ge 20 ]; do waited=$((waited + 1)); sleep 0.1; done
  }
  ${findRuntimeFolder}`

/**
 * Defines `as_root`, which runs a command as whom containers have for root. Without root that is Podman's user namespace, in
 * which alone what they have given to other users can be read, given away and removed.
 */
export function defineAsRoot(engine: Engine): Script {
  return engine === 'docker'
    ? sh`as_root() { "$@"; }`
    : sh`as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else podman unshare "$@"; fi; }`
}
