import type { Engine } from '../config/config.ts'
import { type Script, sh, type Word } from './script.ts'

/** A server that another one is to log in to, and the key by which it is known to be the one that is meant. */
export type Neighbour = { server: string; user: string; host: string; port: number; hostKey: string }

/** Lines `layers [NAME@DIGEST] [CONTENTS]` for all images that the engine has. */
export function findLayers(engine: Engine): Script {
  return sh`ids=$(${engine} image ls -q --no-trunc) || exit
[ -z "$ids" ] || ${engine} image inspect --format 'layers {{json .RepoDigests}} {{json .RootFS.Layers}}' $ids 2>/dev/null`
}

/**
 * Tries from a server, at all others at once, whether it may log in there: lines `trusted SERVER`, or `refused SERVER
 * WHY`.
 */
export function tryLogins(neighbours: readonly Neighbour[]): Script {
  return sh`command -v ssh >/dev/null || { echo 'no ssh'; exit; }
${knowing(neighbours)}
tries=
on_exit() { kill $tries; }
${neighbours.map(tryLogin)}
while [ $# -gt 0 ]; do
  if wait "$2"; then echo "trusted $1"; else echo "refused $1 $(tail -n 1 "$private/why.$1")"; fi
  shift 2
done
tries=`
}

function tryLogin(neighbour: Neighbour): Script {
  return sh`${sshTo(neighbour)} true </dev/null >/dev/null 2>"$private"/why.${neighbour.server} & tries="$tries $!"
set -- "$@" ${neighbour.server} $!`
}

/**
 * Hands images of a server on to another one, whose engine takes them. Of a pipe in the background the shell knows the
 * last part: where that is killed, or the other server is lost, the first one has nobody to write to and ends as well.
 */
export function giveImages(engine: Engine, names: readonly string[], there: Engine, neighbour: Neighbour): Script {
  return sh`${knowing([neighbour])}
child=new
${save(engine, names)} | ${sshTo(neighbour)} ${loading(there)} >/dev/null & child=$!
wait "$child"; status=$?; child=
exit "$status"`
}

function save(engine: Engine, names: readonly string[]): Word[] {
  return [engine, 'save', ...(engine === 'podman' && names.length > 1 ? ['--multi-image-archive'] : []), ...names]
}

/** For the login shell of the other server, which need not be a POSIX shell nor have a PATH with the engine in it. */
function loading(engine: Engine): string {
  return `sh -c 'PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin; exec ${engine} load -q'`
}

/** Host keys come with the script, so that a server need not know others, and reaches the very ones that are meant. */
function knowing(neighbours: readonly Neighbour[]): Script {
  const known = neighbours.map(({ server, hostKey }) => `${server} ${hostKey}`)
  return sh`make_private
printf '%s\\n' ${known} >"$private"/known_hosts || exit`
}

/** What the user of the server has set for ssh there holds, but for what would ask, stay or lead elsewhere. */
function sshTo({ server, user, host, port }: Neighbour): Script {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'GlobalKnownHostsFile=/dev/null',
    `HostKeyAlias=${server}`,
    'ConnectTimeout=4',
    'ServerAliveInterval=10',
    'ServerAliveCountMax=3',
    'ClearAllForwardings=yes',
    'ControlMaster=no',
    'ControlPath=none',
    'Compression=no',
    'LogLevel=ERROR',
  ]
  return sh`ssh -axT ${options.map(option => `-o${option}`)} -oUserKnownHostsFile="$private"/known_hosts -p ${port} -l ${user} -- ${host}`
}
