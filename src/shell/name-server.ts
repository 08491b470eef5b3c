import { proxyContainer } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * Waits until the proxy finds containers by their names, twice in a row. Podman's name server reads its list anew shortly
 * after a container has started or stopped; before aardvark-dns 1.11 it may be deaf from then on, until it is made to do so
 * once more.
 */
export function waitForNames(names: readonly string[]): Script {
  const find = `for name; do timeout 1 nslookup "$name" || exit; done
sleep 0.3
for name; do timeout 1 nslookup "$name" || exit; done`
  return sh`run=/run
[ "$(id -u)" = 0 ] || run=\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
tries=0
until timeout 20 podman exec ${proxyContainer} sh -c ${find} sh ${names} >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 10 ] || break
  kill -HUP "$(cat "$run"/containers/networks/aardvark-dns/aardvark.pid)" 2>/dev/null
  sleep 0.2
done`
}
