import { proxyContainer } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * Waits until the proxy finds containers by their names, twice in a row. Podman's name server reads its list anew shortly
 * after a container has started or stopped; before aardvark-dns 1.11 it may be deaf from then on, until it is made to do so
 * once more.
 */
export function waitForNames(names: readonly string[]): Script {
  return sh`server=
for name in ${names}; do
  tries=0
  found=0
  while [ "$found" -lt 2 ] && [ "$tries" -lt 10 ]; do
    tries=$((tries + 1))
    if timeout 5 podman exec ${proxyContainer} timeout 1 nslookup "$name" >/dev/null 2>&1; then
      found=$((found + 1))
    else
      found=0
      [ -n "$server" ] || ${findServer}
      kill -HUP "$(cat "$server"/aardvark-dns/aardvark.pid)" 2>/dev/null
    fi
    [ "$found" -ge 2 ] || sleep 0.2
  done
done`
}

/** Root's is the same for all; where a user's is can be set. */
const findServer = sh`if [ "$(id -u)" = 0 ]; then server=/run/containers/networks
      else server=$(podman info --format '{{.Store.RunRoot}}' 2>/dev/null)/networks; fi`
