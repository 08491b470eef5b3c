import type { Engine } from '../config/config.ts'
import { exits } from './engine.ts'
import { network } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * Rules of the firewall that lead new connections to another container than the one whose ports an engine has published:
 * they stand ahead of the engine's, and connections that are there already stay where they are. What an engine carries by
 * a process of its own (from the server itself, and over IPv6) passes no such rule: its first packets are left without an
 * answer for the moment in which the ports change hands, and come again a second later.
 */

const marks = { detour: 'jiji-detour', hold: 'jiji-hold' }

/** Sets `$detour` where such rules can be made: by root, for an engine that is root's. */
export function findDetour(engine: Engine): Script {
  const rootless =
    engine === 'docker'
      ? sh`case $(docker info --format '{{.SecurityOptions}}' 2>/dev/null) in *rootless*) detour= ;; esac`
      : sh`[ "$(id -u)" = 0 ] || detour=`
  return sh`firewall() {
  program=$1
  shift
  if [ "$(id -u)" = 0 ]; then "$program" -w 5 "$@"; else sudo -n "$program" -w 5 "$@"; fi
} 2>/dev/null
detour=
! firewall iptables -t nat -S PREROUTING >/dev/null || detour=yes
${rootless}`
}

/** Functions, after `findDetour`: `detour_to ADDRESS`, `hold_back` and `without MARK`, for ports on the server. */
export function detourFunctions(engine: Engine, { http, https }: { http: number; https: number }): Script {
  const subnets =
    engine === 'docker' ? '{{range .IPAM.Config}}{{.Subnet}} {{end}}' : '{{range .Subnets}}{{.Subnet}} {{end}}'
  return sh`without() {
  for program in iptables ip6tables; do
    for table in nat filter; do
      firewall "$program" -t "$table" -S | grep -e "--comment $1 " | sed 's/^-A/-D/' | while read -r rule; do firewall "$program" -t "$table" $rule; done
    done
  done
}
lead() { firewall iptables -t nat -I "$@" -m comment --comment ${marks.detour} || exit ${exits.noDetour}; }
detour_to() {
  for chain in PREROUTING OUTPUT; do
    for port in ${`tcp:${http}:80`} ${`tcp:${https}:443`} ${`udp:${https}:443`}; do
      from=\${port#*:}
      lead "$chain" ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p "\${port%%:*}" --dport "\${from%:*}" -j DNAT --to-destination "$1:\${from#*:}"
    done
  done
  for subnet in $(${engine} network inspect --format ${subnets} ${network}); do
    case $subnet in *:*) ;; *) lead POSTROUTING -s "$subnet" -d "$1" -m conntrack --ctstate DNAT -j MASQUERADE ;; esac
  done
}
hold_back() {
  for program in iptables ip6tables; do
    firewall "$program" -I INPUT -p tcp --syn -m multiport --dports ${`${http},${https}`} -m comment --comment ${marks.hold} -j DROP
  done
}`
}

export function withoutDetour(): Script {
  return sh`without ${marks.detour}`
}

export function withoutHold(): Script {
  return sh`without ${marks.hold}`
}
