import type { Engine } from '../config/config.ts'
import { exits } from './engine.ts'
import { proxyContainer, stateFolder } from './names.ts'
import { defineAsRoot } from './rootless.ts'
import { type Script, sh } from './script.ts'

/**
 * Writes to stdout, as a packed tar, what a project has on a server that neither its configuration nor a registry has:
 * releases, audit, files and environments of its containers as `state`, and the proxy's `certificates`. What services
 * keep themselves, in volumes and directories, is theirs to save.
 */
export function packBackup(engine: Engine, scope: string): Script {
  const certificates = `cd /data/caddy 2>/dev/null || exit 0
set --
for one in acme certificates pki; do [ ! -d "$one" ] || set -- "$@" "$one"; done
[ $# = 0 ] || tar -cf - "$@"`
  return sh`${stateFolder(scope)}
[ -f "$state/current" ] || exit ${exits.nothingThere}
${defineAsRoot(engine)}
make_private
mkdir "$private"/state "$private"/certificates || exit
printf '%s\\n' ${scope} >"$private"/project
for one in "$state"/*; do
  case \${one##*/} in lock | directories | engine) ;; *) as_root cp -Rp "$one" "$private"/state/ || exit ;; esac
done
if ${engine} inspect --type container ${proxyContainer} >/dev/null 2>&1; then
  ${engine} exec ${proxyContainer} sh -c ${certificates} >"$private"/certificates.tar || exit
  [ ! -s "$private"/certificates.tar ] || tar -xf "$private"/certificates.tar -C "$private"/certificates || exit
  rm "$private"/certificates.tar
fi
interruptible as_root tar --numeric-owner -czf - -C "$private" .`
}

/**
 * Takes what `packBackup` has written, from descriptor 3, and says how many releases there are and which is the current
 * one, as `restored COUNT RELEASE`. Nothing is changed by what is cut short, or is another project's.
 *
 * A file that was given to a user is for one in a container, whose number its image decides: a name on this server says
 * nothing about it, and may have another number. What belonged to whoever made the backup is root's where root restores:
 * that number may be a stranger's here.
 */
export function unpackBackup(engine: Engine, scope: string): Script {
  const certificates = 'mkdir -p /data/caddy && tar -xof - -C /data/caddy'
  return sh`${stateFolder(scope)}
${defineAsRoot(engine)}
make_private
echo ready
as_root tar --numeric-owner -xzf - -C "$private" <&3 || exit ${exits.notWhole}
[ -d "$private"/state ] || exit ${exits.notWhole}
whose=$(cat "$private"/project)
[ "$whose" = ${scope} ] || { echo "project $whose"; exit ${exits.notOurs}; }
[ "$(id -u)" != 0 ] || find "$private"/state -user "$(stat -c %u "$private"/project)" -exec chown 0:0 {} + || exit
for one in "$state"/*; do
  case \${one##*/} in lock | directories | '*') ;; *) rm -rf "$one" || exit ;; esac
done
as_root cp -Rp "$private"/state/. "$state"/ || exit
[ -z "$(ls "$private"/certificates)" ] || tar -cf - -C "$private"/certificates . | ${engine} exec -i ${proxyContainer} sh -c ${certificates} || exit
set -- "$state"/releases/*.json
echo "restored $# $(cat "$state"/current)"`
}
