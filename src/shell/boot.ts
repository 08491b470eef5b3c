import type { Engine, Service } from '../config/config.ts'
import { networkOwner } from '../config/shared-network.ts'
import { proxyContainer, stateFolder } from './names.ts'
import { steadyNetwork } from './network.ts'
import { linger } from './rootless.ts'
import { type Script, sh } from './script.ts'

/**
 * What starts a server's containers when the server does. Docker's daemon does so. Podman has none, and its own unit for
 * systemd starts what was stopped as well, old versions included: so each project notes what runs, in `up`, and a unit of
 * ours starts that. Docker may start what shares the network of another container before that one, and then not at all
 * (moby/moby#11777): that is noted in `sharing`, for another unit.
 */
const notes = { docker: 'sharing', podman: 'up' } as const

/** From now on these containers are what runs of a service. */
export function noteRunning(engine: Engine, scope: string, service: Service, names: readonly string[]): Script {
  const isUnended = service.restart === 'always' || service.restart === 'unless-stopped'
  const isStarted = isUnended && (engine === 'podman' || networkOwner(service) !== undefined)
  if (engine === 'docker' && !isStarted)
    return sh`(
${stateFolder(scope)}
rm -f "$state"/${`${notes[engine]}/${service.name}`}
)`
  return sh`(
${stateFolder(scope)}
mkdir -p "$state"/${notes[engine]} && cd "$state"/${notes[engine]} || exit
${isStarted ? sh`printf '%s\\n' ${names} >${`.${service.name}`} && mv ${`.${service.name}`} ${service.name}` : sh`rm -f ${service.name}`}
)`
}

/** From now on these containers are not started. */
export function noteStopped(engine: Engine, scope: string, names: readonly string[]): Script {
  if (names.length === 0) return sh`:`
  return sh`(
${stateFolder(scope)}
for name in ${names}; do
  for file in "$state"/${notes[engine]}/*; do ! grep -qxF "$name" "$file" 2>/dev/null || rm -f "$file"; done
done
)`
}

/** Has systemd start what runs, on a server that has it; where that cannot be, nothing else suffers. */
export function startAtBoot(engine: Engine, scope: string): Script {
  const { name, script, program, unit, target } = starts[engine]
  return sh`(
${stateFolder(scope)}
${engine === 'docker' ? sh`set -- "$state"/${notes.docker}/*; [ -f "$1" ] || exit 0` : sh`:`}
place=\${state%/*}
printf '%s\\n' ${program} >"$place"/.start && mv "$place"/.start "$place"/${script}
${findUnits(target)}
[ "$who" = --system ] || {
  ${linger}
}
mkdir -p "$units" && cd "$units" || exit
{ printf '%s\\n' ${unit}; echo "ExecStart=/bin/sh $place/"${script}; echo '[Install]'; echo "WantedBy=$target"; } >${`.${name}`}
if cmp -s ${`.${name}`} ${name}; then rm ${`.${name}`}; exit; fi
mv ${`.${name}`} ${name} && systemctl "$who" daemon-reload && systemctl "$who" enable ${name}
) >/dev/null 2>&1`
}

/** Undoes `startAtBoot`, on a server that nothing of ours is left on. */
export function startNothingAtBoot(engine: Engine, scope: string): Script {
  const { name, script, target } = starts[engine]
  return sh`(
${stateFolder(scope)}
rm -f "\${state%/*}"/${script}
${findUnits(target)}
[ -f "$units"/${name} ] || exit 0
systemctl "$who" disable ${name}
rm -f "$units"/${name}
systemctl "$who" daemon-reload
) >/dev/null 2>&1`
}

/** Sets `units`, `who` and `target`, or ends the subshell where there is no systemd. */
function findUnits(target: string): Script {
  return sh`[ -d /run/systemd/system ] || exit 0
if [ "$(id -u)" = 0 ]; then
  units=/etc/systemd/system who=--system target=${target}
else
  units=\${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user who=--user target=default.target
fi`
}

const startPodman = `# Written by jiji: starts the proxy, and what runs of each service.
cd "\${0%/*}" || exit
# What systemd runs for a user does not wait for the network.
tries=0
until [ "$(id -u)" = 0 ] || [ "$tries" -ge 30 ] || cat /proc/net/route /proc/net/ipv6_route 2>/dev/null | grep -v ' lo$' | grep -qE '^([^[:space:]]+[[:space:]]0{8}[[:space:]]|0{32} 00 )'; do
  tries=$((tries + 1))
  sleep 1
done
podman start ${proxyContainer}
${steadyNetwork('podman').render()}
for file in */${notes.podman}/*; do
  [ ! -f "$file" ] || podman start $(cat "$file") || failed=1
done
exit \${failed:-0}`

const startDocker = `# Written by jiji: starts what shares the network of another container, when Docker has started that one.
cd "\${0%/*}" || exit
tries=0
until docker version >/dev/null 2>&1 || [ "$tries" -ge 60 ]; do tries=$((tries + 1)); sleep 1; done
for file in */${notes.docker}/*; do
  [ -f "$file" ] || continue
  for try in 1 2 3 4 5 6 7 8 9 10; do
    if docker start $(cat "$file"); then continue 2; fi
    sleep 1
  done
  failed=1
done
exit \${failed:-0}`

const oneshot = `[Service]
Type=oneshot
RemainAfterExit=yes`

const starts = {
  podman: {
    name: 'jiji.service',
    script: 'start',
    program: startPodman,
    unit: `[Unit]
Description=What jiji runs with Podman
Wants=network-online.target
After=network-online.target

${oneshot}`,
    target: 'multi-user.target',
  },
  docker: {
    name: 'jiji-docker.service',
    script: 'start-docker',
    program: startDocker,
    // Whenever Docker starts, and not only with the server.
    unit: `[Unit]
Description=What shares a network with Docker, of what jiji runs
PartOf=docker.service
After=docker.service

${oneshot}`,
    target: 'docker.service',
  },
} as const
