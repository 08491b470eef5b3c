import type { Engine } from '../config/config.ts'
import { requireEngine } from './engine.ts'
import { requireNoneElsewhere } from './engine-used.ts'
import { proxyContainer, stateFolder } from './names.ts'
import { readRootless } from './rootless.ts'
import { type Script, sh } from './script.ts'

/**
 * Everything that `jiji doctor` asks a server, in one round trip: lines of a word and what belongs to it
 * (deploy/doctor/answers.ts reads them). The clock comes first, so that it is known when it was read. What a server has
 * no program for is left out, and nothing of it ends the script: what was said until then counts. Nothing is changed.
 */
export function examine(engine: Engine, scope: string, hosts: readonly string[]): Script {
  return sh`echo "clock $(date +%s)"
echo "user $(id -u) $(id -un)"
echo "groups $(id -Gn)"
[ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || { sudo -n true >/dev/null 2>&1 && echo sudo free || echo sudo asks; }
${readMemory}
${readAddresses}
${resolve(['localhost', ...hosts])}
${readListeners}
${readDisk}
${stateFolder(scope)}
disk state "$state"
${askEngine(
  engine,
  sh`ids=$(${engine} ps -aq --no-trunc 2>/dev/null)
${requireNoneElsewhere(engine, scope)}`,
)}
[ -z "$pids" ] || wait $pids`
}

/** The same of this machine, and the programs that a deploy starts on it. */
export function examineHere(engine: Engine): Script {
  return sh`echo "clock $(date +%s)"
for tool in ssh ssh-keygen git; do ! command -v "$tool" >/dev/null || echo "tool $tool"; done
${
  engine === 'docker'
    ? sh`! docker buildx version >/dev/null 2>&1 || echo tool buildx
echo "client $(docker version --format '{{.Client.Version}}' 2>/dev/null)"`
    : sh`:`
}
${readDisk}
${askEngine(engine)}`
}

/** Reads whatever listens at a port of the server as often as it is let, and forgets it; first says who listens there. */
export function readThrough(port: number): Script {
  return sh`! command -v ss >/dev/null || ss -ltn 2>/dev/null | sed -n ${`s/^/listen /; /:${port} /p`}
if command -v bash >/dev/null; then set -- bash -c ${readByBash} ${port}
elif command -v curl >/dev/null; then set -- sh -c ${readByCurl} ${port}
elif command -v wget >/dev/null; then set -- sh -c ${readByWget} ${port}
else exit ${noReader}; fi
echo ready
interruptible "$@" 2>/dev/null
:`
}

/** The status of `readThrough` where the server has no program that could. */
export const noReader = 3

const rounds = 'for round in 1 2 3 4 5 6 7 8; do'
const readByBash = `${rounds} exec 4<>/dev/tcp/127.0.0.1/"$0" || exit; cat <&4 >/dev/null; exec 4>&-; done`
const readByCurl = `${rounds} curl -s --noproxy '*' -o /dev/null http://127.0.0.1:"$0"/ || exit; done`
const readByWget = `${rounds} http_proxy= wget -q -O /dev/null http://127.0.0.1:"$0"/ || exit; done`

/** Where a credential would lie, and on what kind of file system. */
const readMemory = sh`make_private 2>/dev/null
[ -n "$private" ] && { printf x >"$private/x"; } 2>/dev/null && echo "memory $(stat -f -c %T "$private" 2>/dev/null || echo unknown) $folder"
echo "memory asked"`

const readAddresses = sh`if command -v ip >/dev/null; then ip -o addr show 2>/dev/null | sed 's/^/address /'
else for one in $(hostname -I 2>/dev/null); do echo "address inet $one/0"; done; fi
! grep -qs '^00000000000000000000000000000001 ' /proc/net/if_inet6 || echo "address inet6 ::1/128"`

const readListeners = sh`if command -v ss >/dev/null; then ss -ltnp 2>/dev/null | sed 's/^/listen /'
else cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | sed -n -e '/local_address/s/^/socket /p' -e '/ 0A /s/^/socket /p'; fi`

/** What a folder that is not there yet would lie on. */
const readDisk = sh`disk() {
  case $2 in /*) place=$2 ;; *) place=/ ;; esac
  until [ -d "$place" ]; do place=\${place%/*}; place=\${place:-/}; done
  echo "disk $1 $(df -Pk "$place" 2>/dev/null | tail -n 1)"
  echo "inodes $1 $(df -Pi "$place" 2>/dev/null | tail -n 1)"
}`

/** All at once, since each may wait for a name server that gives no answer; the lines are short enough not to mix. */
function resolve(hosts: readonly string[]): Script {
  return sh`pids=
if command -v getent >/dev/null; then
  for host in ${hosts}; do
    (trap - EXIT; echo "resolved $host" $(getent ahosts "$host" 2>/dev/null | sed 's/[[:space:]].*//' | sort -u)) &
    pids="$pids $!"
  done
fi`
}

/** An engine that hangs must not keep the rest from being said, nor stay behind. */
function askEngine(engine: Engine, thenRequire = sh`:`): Script {
  return sh`answer=$( (trap - EXIT
command -v ${engine} >/dev/null && command -v timeout >/dev/null && ${engine}() { timeout 15 ${engine} "$@"; }
${requireEngine(engine)}
${thenRequire}
echo "$version") 2>&1)
status=$?
printf '%s\\n' "$answer" | sed 's/^/said /'
echo "engine $status"
root=
if [ "$status" = 0 ]; then
  root=$(${engine} info --format ${engine === 'docker' ? '{{.DockerRootDir}}' : '{{.Store.GraphRoot}}'} 2>/dev/null)
  ${askContainers(engine)}
fi
${engine === 'podman' ? askRootless : sh`root=\${root:-/var/lib/docker}`}
disk engine "$root"`
}

/** The proxy, and which containers have which ports. */
export function askContainers(engine: Engine): Script {
  const ours = '{{.State.Status}} {{index .Config.Labels "jiji.proxy"}}'
  return sh`! proxy=$(${engine} inspect --type container --format ${ours} ${proxyContainer} 2>/dev/null) || echo "proxy $proxy"
case $proxy in running*) caddy=$(${engine} exec ${proxyContainer} caddy version 2>/dev/null) && echo "caddy $caddy" ;; esac
${engine} ps --format '{{.Names}} {{.Ports}}' 2>/dev/null | sed 's/^/published /'`
}

/** What Podman needs for a user who is not root, some of which it has in folders of its own. */
const askRootless = sh`if [ "$(id -u)" = 0 ]; then root=\${root:-/var/lib/containers}
else
  root=\${root:-$HOME/.local/share/containers}
  ${readRootless('podman')}
  [ ! -d /run/systemd/system ] || [ -e /var/lib/systemd/linger/"$(id -un)" ] || echo linger no
  [ "$(podman unshare cat /proc/self/uid_map 2>/dev/null | wc -l)" -gt 1 ] || echo lacks ids
  (PATH=$PATH:/usr/libexec/podman:/usr/lib/podman; command -v pasta || command -v slirp4netns) >/dev/null || echo lacks network
fi`
