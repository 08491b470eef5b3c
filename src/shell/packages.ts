import { type Script, sh } from './script.ts'

/** The package managers of distributions that we know, by the programs that are run. */
export const managers = {
  apt: 'apt-get',
  dnf: 'dnf',
  apk: 'apk',
  zypper: 'zypper',
  pacman: 'pacman',
} as const

export type Manager = keyof typeof managers

export type Packages = {
  manager: Manager
  names: readonly string[]
  /** Those that only some releases have, and that are needed where they are. */
  whereKnown: readonly string[]
}

/**
 * Installs packages and nothing that they merely recommend, without a question; files that somebody has changed stay.
 * Needs `as_root`. The package manager is no child that an interrupt ends, or it would leave a package half installed:
 * the script ends when that has finished. It writes to a file, so that it also goes through when the connection is lost,
 * and it has the umask of a login, since what it unpacks is for everybody. Its last lines are ours if it fails.
 */
export function installPackages({ manager, names, whereKnown }: Packages): Script {
  return sh`make_private
log=$private/log
quietly() { (umask 022; as_root "$@") >>"$log" 2>&1; }
${installers[manager](names, whereKnown)} || { tail -n 20 "$log" >&2; exit 1; }`
}

/** What somebody types who does it by hand. */
export function installLine({ manager, names }: Packages): string {
  const verb = { apt: 'install', dnf: 'install', apk: 'add', zypper: 'install', pacman: '-S' }[manager]
  return `${managers[manager]} ${verb} ${names.join(' ')}`
}

type Installer = (names: readonly string[], whereKnown: readonly string[]) => Script

const installers: Record<Manager, Installer> = {
  apt: installByApt,
  dnf: names => sh`quietly dnf -y -q install ${names}`,
  apk: names => sh`quietly apk add --update-cache --wait 600 ${names}`,
  zypper: names => sh`quietly env ZYPP_LOCK_TIMEOUT=600 zypper --non-interactive install ${names}`,
  // Newer lists without an upgrade of everything would leave Arch half upgraded.
  pacman: names => sh`quietly pacman -S --noconfirm --needed ${names}`,
}

/**
 * A fresh server has old lists of packages or none. Where they cannot be fetched whole, the install may find what it
 * needs all the same, and else its error comes after theirs. apt waits for the lock of dpkg, but not for that of its lists.
 */
function installByApt(names: readonly string[], whereKnown: readonly string[]): Script {
  const keep = ['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold']
  const words = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=600', '-o', 'Dpkg::Use-Pty=0', ...keep]
  return sh`apt() { quietly env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get "$@"; }
is_taken() { inode=$(stat -c %i "$1" 2>/dev/null) && grep -q ":$inode 0 EOF" /proc/locks; }
tries=0
while { is_taken /var/lib/apt/lists/lock || is_taken /var/lib/dpkg/lock-frontend; } && [ "$tries" -lt 300 ]; do
  [ "$tries" != 0 ] || echo waiting
  tries=$((tries + 1))
  interruptible sleep 2
done
apt update -q
set -- ${names}
for name in ${whereKnown}; do ! apt-get -s -q install "$name" >/dev/null 2>&1 || set -- "$@" "$name"; done
apt install --no-install-recommends ${words} "$@"`
}
