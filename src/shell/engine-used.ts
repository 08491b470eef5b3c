import type { Engine } from '../config/config.ts'
import { exits } from './engine.ts'
import { labels } from './names.ts'
import { type Script, sh } from './script.ts'

/** With `$state` set: a release of this engine is on record now. */
export function noteEngine(engine: Engine): Script {
  return sh`printf '%s\\n' ${engine} >"$state/.engine" && mv "$state/.engine" "$state/engine" || exit`
}

/**
 * Ends the script, with a status of `exits` and the line `elsewhere ENGINE COUNT`, where containers of the project are with
 * the other engine: they would go on beside those of this one, and have the ports. With `$state` set, and in `$ids` the
 * containers of this engine: a Podman that goes by the name of docker has the same ones. The other engine is asked only
 * where the release on record need not be of this one, because asking can start its daemon.
 */
export function requireNoneElsewhere(engine: Engine, scope: string): Script {
  const other: Engine = engine === 'docker' ? 'podman' : 'docker'
  return sh`if [ -f "$state/current" ] && [ "$(cat "$state/engine" 2>/dev/null)" != ${engine} ] && command -v ${other} >/dev/null; then
  count=0
  if others=$(${other} ps -aq --no-trunc --filter ${`label=${labels.project}=${scope}`} 2>/dev/null); then
    for id in $others; do case $ids in *"$id"*) ;; *) count=$((count + 1)) ;; esac; done
  elif [ -f "$state/engine" ]; then count=
  fi
  [ "$count" = 0 ] || { echo elsewhere ${other} $count; exit ${exits.otherEngine}; }
fi`
}
