import type { Engine } from '../config/config.ts'
import { askContainers, examine } from './doctor.ts'
import { exits, requireEngine } from './engine.ts'
import { network } from './names.ts'
import { ensureNetwork } from './network.ts'
import { installPackages, managers, type Packages } from './packages.ts'
import { createProxy, type ProxySettings } from './proxy.ts'
import { lines, type Script, sh } from './script.ts'

/** What starts services on a server. */
export type InitSystem = 'systemd' | 'openrc' | 'service'

/** One thing that is done to a server; all of them may be done twice. */
export type Step =
  | ({ do: 'install' } & Packages)
  | { do: 'start'; by: InitSystem }
  /** Puts the user into the group docker. */
  | { do: 'join'; user: string }
  /** Lets the user's containers outlive their last session. */
  | { do: 'linger'; user: string }
  | { do: 'network' }
  | ({ do: 'proxy' } & ProxySettings)

/**
 * What `jiji doctor` asks, and beside that lines of what the server is (deploy/init/situation.ts reads them). A Docker
 * that the user may not use is asked as root where that goes without a password, which is said by `as-root`.
 */
export function askForInit(engine: Engine, scope: string): Script {
  return sh`sed -n -e 's/^ID=/os-id /p' -e 's/^ID_LIKE=/os-like /p' -e 's/^VERSION_ID=/os-version /p' -e 's/^PRETTY_NAME=/os-name /p' /etc/os-release 2>/dev/null
for manager in ${Object.values(managers)}; do ! command -v "$manager" >/dev/null || echo "manager $manager"; done
if [ -d /run/systemd/system ]; then echo init systemd
elif [ -d /run/openrc ] && command -v rc-service >/dev/null; then echo init openrc
elif command -v service >/dev/null; then echo init service; fi
${engine === 'docker' ? sh`command -v dockerd >/dev/null || echo lacks dockerd` : askHelpers}
${examine(engine, scope, [])}
${engine === 'docker' ? askAsRoot : sh`:`}
[ "$status" != 0 ] || ! ${engine} network inspect ${network} >/dev/null 2>&1 || echo network yes`
}

/** What Podman's networks need, and no PATH leads to. */
const askHelpers = sh`for helper in netavark aardvark-dns; do
  for folder in /usr/libexec/podman /usr/lib/podman /usr/local/libexec/podman /usr/local/lib/podman; do
    [ ! -x "$folder/$helper" ] || continue 2
  done
  command -v "$helper" >/dev/null || echo "lacks $helper"
done`

const askAsRoot = sh`if [ "$status" = ${exits.engineDenied} ] && sudo -n docker version >/dev/null 2>&1; then
  docker() { sudo -n docker "$@"; }
  status=0
  echo as-root docker
  ${askContainers('docker')}
fi`

/** Does the steps, and says `step NAME` before each; the last one named is the one that failed. */
export function initServer(engine: Engine, steps: readonly Step[]): Script {
  return sh`as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
${steps.map(step => lines(sh`echo ${`step ${step.do}`}`, scriptOf(engine, step)))}
:`
}

function scriptOf(engine: Engine, step: Step): Script {
  switch (step.do) {
    case 'install':
      return sh`${installPackages(step)}
${engine === 'podman' ? askVersion(engine) : sh`:`}`
    case 'start':
      return sh`${startDocker[step.by]} >/dev/null || exit
${untilDocker}`
    case 'join':
      return sh`if command -v usermod >/dev/null; then as_root usermod -aG docker ${step.user}; else as_root addgroup ${step.user} docker; fi || exit`
    case 'linger':
      return sh`as_root loginctl enable-linger ${step.user} || exit`
    case 'network':
      return sh`${asWhoMay(engine)}
${ensureNetwork(engine)}`
    case 'proxy':
      return sh`${asWhoMay(engine)}
${createProxy(engine, step)}`
  }
}

/** Also at boot. A package of Debian's has seen to that for its own scripts. */
const startDocker: Record<InitSystem, Script> = {
  systemd: sh`as_root systemctl enable --now docker`,
  openrc: sh`{ as_root rc-update add docker default && as_root rc-service docker start; }`,
  service: sh`(umask 022; as_root service docker start)`,
}

/** Until it answers; whoever is not yet in its group asks as root. */
const untilDocker = sh`tries=0
until as_root docker version >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || { as_root docker version >/dev/null; exit 1; }
  interruptible sleep 0.2
done
${asWhoMay('docker')}
${askVersion('docker')}`

/** From here on Docker is used as root by a user who may not use it otherwise. */
function asWhoMay(engine: Engine): Script {
  if (engine === 'podman') return sh`:`
  return sh`[ "$(id -u)" = 0 ] || docker version >/dev/null 2>&1 || docker() { sudo -n docker "$@"; }`
}

function askVersion(engine: Engine): Script {
  return sh`${requireEngine(engine)}
echo "engine $version"`
}
