import type { Engine, Service } from '../config/config.ts'
import { proxyContainer, stateFolder } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * What starts a server's containers when the server does. Docker's daemon does so. Podman has none, and its own unit for
 * systemd starts what was stopped as well, old versions included: so each project notes what runs, in `up`, and a unit of
 * ours starts that.
 */

/** From now on these containers are what runs of a service. */
export function noteRunning(engine: Engine, scope: string, service: Service, names: readonly string[]): Script {
  if (engine === 'docker') return sh`:`
  const isStarted = service.restart === 'always' || service.restart === 'unless-stopped'
  return sh`(
${stateFolder(scope)}
mkdir -p "$state"/up && cd "$state"/up || exit
${isStarted ? sh`printf '%s\\n' ${names} >${`.${service.name}`} && mv ${`.${service.name}`} ${service.name}` : sh`rm -f ${service.name}`}
)`
}

/** From now on these containers are not started. */
export function noteStopped(engine: Engine, scope: string, names: readonly string[]): Script {
  if (engine === 'docker' || names.length === 0) return sh`:`
  return sh`(
${stateFolder(scope)}
for name in ${names}; do
  for file in "$state"/up/*; do ! grep -qxF "$name" "$file" 2>/dev/null || rm -f "$file"; done
done
)`
}

/** Has systemd start what runs, on a server that has it; where that cannot be, nothing else suffers. */
export function startAtBoot(engine: Engine, scope: string): Script {
  if (engine === 'docker') return sh`:`
  return sh`(
${stateFolder(scope)}
place=\${state%/*}
printf '%s\\n' ${start} >"$place"/.start && mv "$place"/.start "$place"/start
${findUnits}
[ "$who" = --system ] || loginctl enable-linger
mkdir -p "$units" && cd "$units" || exit
{ printf '%s\\n' ${unit}; echo "ExecStart=/bin/sh $place/start"; echo '[Install]'; echo "WantedBy=$target"; } >.jiji.service
if cmp -s .jiji.service jiji.service; then rm .jiji.service; exit; fi
mv .jiji.service jiji.service && systemctl "$who" daemon-reload && systemctl "$who" enable jiji.service
) >/dev/null 2>&1`
}

/** Undoes `startAtBoot`, on a server that nothing of ours is left on. */
export function startNothingAtBoot(engine: Engine, scope: string): Script {
  if (engine === 'docker') return sh`:`
  return sh`(
${stateFolder(scope)}
rm -f "\${state%/*}"/start
${findUnits}
[ -f "$units"/jiji.service ] || exit 0
systemctl "$who" disable jiji.service
rm -f "$units"/jiji.service
systemctl "$who" daemon-reload
) >/dev/null 2>&1`
}

/** Sets `units`, `who` and `target`, or ends the subshell where there is no systemd. */
const findUnits = sh`[ -d /run/systemd/system ] || exit 0
if [ "$(id -u)" = 0 ]; then
  units=/etc/systemd/system who=--system target=multi-user.target
else
  units=\${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user who=--user target=default.target
fi`

const start = `# Written by jiji: starts the proxy, and what runs of each service.
cd "\${0%/*}" || exit
podman start ${proxyContainer}
for file in */up/*; do
  [ ! -f "$file" ] || podman start $(cat "$file") || failed=1
done
exit \${failed:-0}`

const unit = `[Unit]
Description=What jiji runs with Podman
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes`
