import type { Engine } from '../config/config.ts'
import { network } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * Makes the network where it is missing. Docker makes a second one of the same name when two ask for it at once, and then
 * finds neither: so one at a time, and who waits for 5 s has met what somebody else left behind.
 */
export function ensureNetwork(engine: Engine): Script {
  return sh`${engine} network inspect ${network} >/dev/null 2>&1 || {
  waited=0
  busy=/tmp/.jiji-network-$(id -u)
  until mkdir "$busy" 2>/dev/null || [ "$waited" -ge 25 ]; do waited=$((waited + 1)); sleep 0.2; done
  ${engine} network inspect ${network} >/dev/null 2>&1 || ${engine} network create ${network} >/dev/null
  made=$?
  rmdir "$busy" 2>/dev/null
  [ "$made" = 0 ]
} || exit`
}

/**
 * Fixes the hardware address of the network's bridge, which Docker does itself. Otherwise the kernel gives it the lowest one of
 * its ports, anew whenever a container comes or goes; until the other containers notice, seconds later, they reach neither
 * the name server nor the world. On the server's own networks udev may have done so, on those of a user's Podman nobody has.
 */
export function steadyNetwork(engine: Engine): Script {
  if (engine === 'docker') return sh`:`
  const fix = `address=$(ip -o link show dev "$1" | sed -n 's/.*link.ether \\([0-9a-f:]*\\).*/\\1/p') && ip link set dev "$1" address "$address" ||
echo 1 >/proc/sys/net/ipv4/conf/"$1"/arp_notify`
  return sh`for bridge in $(podman network inspect --format '{{.NetworkInterface}}' ${network} 2>/dev/null); do
  if [ "$(id -u)" = 0 ]; then sh -c ${fix} sh "$bridge"; else podman unshare --rootless-netns sh -c ${fix} sh "$bridge"; fi
done >/dev/null 2>&1`
}
