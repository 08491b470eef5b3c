import type { Engine } from '../config/config.ts'
import { stateFolder } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * How much room there is where an engine, and we, keep what we have on a server: for each folder its path, as `folder PATH`,
 * and what df says of its bytes and its inodes, as `blocks …` and `inodes …`. An engine whose disk is full may not even say
 * where that is.
 */
export function askRoom(engine: Engine, scope: string): Script {
  return sh`${stateFolder(scope)}
while [ ! -d "$state" ]; do state=$(dirname "$state"); done
room() {
  [ -d "$1" ] || return
  echo "folder $1"
  echo "blocks $(df -Pk "$1" | tail -n 1)"
  echo "inodes $(df -Pi "$1" 2>/dev/null | tail -n 1)"
}
${engine === 'docker' ? dockerFolders : podmanFolders}
room "$state"`
}

const dockerFolders = sh`root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
room "\${root:-/var/lib/docker}"
room /var/lib/containerd`

const podmanFolders = sh`root=$(podman info --format '{{.Store.GraphRoot}}' 2>/dev/null)
[ -n "$root" ] || [ "$(id -u)" = 0 ] || root=$HOME/.local/share/containers/storage
room "\${root:-/var/lib/containers/storage}"
room "\${TMPDIR:-/var/tmp}"`
