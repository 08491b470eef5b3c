import type { Engine } from '../config/config.ts'
import { detourFunctions, findDetour, withoutDetour, withoutHold } from './detour.ts'
import { exits, pullName } from './engine.ts'
import { seconds } from './health.ts'
import { network, proxyContainer } from './names.ts'
import { steadyNetwork } from './network.ts'
import { defineNow } from './now.ts'
import { caddyWords, next, type ProxySettings, proxyLabel, proxyWords } from './proxy.ts'
import { type Script, sh, type Word } from './script.ts'
import { leaving } from './site-blocks.ts'

export type Exchange = {
  settings: ProxySettings
  /** The ports of the proxy that goes. */
  before: Pick<ProxySettings, 'http_port' | 'https_port'>
  /** Milliseconds that requests may take which still run in the proxy that goes. */
  drainTimeout: number
  /** Also where nothing would change by it. */
  isForced: boolean
  /** The registry is asked first for the image as it is now. */
  isPulled: boolean
  /** Where there can be no detour, it is not answered for a moment. */
  mayGap: boolean
}

const interim = `${proxyContainer}-interim`

/** Says `detour yes` where a proxy can be replaced without a gap, else `detour no`. */
export function askDetour(engine: Engine): Script {
  return sh`${findDetour(engine)}
echo "detour \${detour:-no}"`
}

/**
 * Puts a new proxy in the place of the one that runs. Two containers cannot publish one port, so an interim one, which
 * publishes none that anybody knows, gets the new connections meanwhile. Each proxy that goes answers what it has been
 * asked, and closes each connection with an answer. All of them have the same routes, markers and certificates, which
 * Caddy lets several of its kind share.
 *
 * Each step is a line: `unpulled REASON`, `already`, `interim`, `drained` or `undrained`, `exchanged`. Whatever fails
 * before that, the proxy of before is there again, and then what happened is on stderr.
 */
export function exchangeProxy(engine: Engine, exchange: Exchange): Script {
  const { settings, before, drainTimeout, isForced, mayGap } = exchange
  return sh`${getImage(engine, exchange)}
now=$(${engine} inspect --type container --format ${`{{.Image}} ${stateFormat}`} ${proxyContainer} 2>/dev/null)
image=$(${engine} image inspect --format '{{.Id}}' ${settings.image})
[ "$now" != "$image "${`true ${proxyLabel(settings)}`} ] || ${isForced ? sh`:` : sh`{ echo already; exit; }`}
${findDetour(engine)}
[ -n "$detour" ] || ${mayGap ? sh`:` : sh`exit ${exits.noDetour}`}
${detourFunctions(engine, { http: before.http_port, https: before.https_port })}
${functions(engine, drainTimeout)}
${engine} rm -f ${[interim, next]} >/dev/null 2>&1
[ -z "$detour" ] || { ${withoutHold()}; ${withoutDetour()}; }
on_exit() { put_back; } >/dev/null 2>&1
if [ -n "$detour" ]; then
  ${engine} run -d --name ${interim} ${interimWords(settings)} >/dev/null || exit ${exits.notStarted}
  until_ready ${interim} || give_up ${interim}
  address=$(${engine} inspect --format ${`{{(index .NetworkSettings.Networks "${network}").IPAddress}}`} ${interim})
  detour_to "$address"
  echo interim
  interruptible drain ${proxyContainer}
else
  ${engine} exec ${proxyContainer} touch ${leaving} 2>/dev/null && sleep 1
fi
${engine} create --name ${next} ${proxyWords(settings)} >/dev/null || exit ${exits.notStarted}
[ -z "$detour" ] || hold_back
${engine} stop -t ${seconds(10_000)} ${proxyContainer} >/dev/null 2>&1
failure=$(${engine} start ${next} 2>&1 >/dev/null) || { echo "$failure" | head -n 1 >&2; exit ${exits.notStarted}; }
until_ready ${next} || give_up ${next}
trap '' TERM HUP INT
[ -z "$detour" ] || ${withoutHold()}
on_exit() { :; }
${engine} rm -f ${proxyContainer} >/dev/null 2>&1
${engine} rename ${next} ${proxyContainer} || misnamed=1
${steadyNetwork(engine)}
[ -z "$detour" ] || {
  ${withoutDetour()}
  drain ${interim}
  ${engine} rm -f ${interim} >/dev/null 2>&1
}
[ -z "$misnamed" ] || exit
echo exchanged`
}

const stateFormat = `{{.State.Running}} {{index .Config.Labels "jiji.proxy"}}`

function getImage(engine: Engine, { settings: { image }, isPulled }: Exchange): Script {
  const pull = sh`interruptible ${engine} pull -q ${pullName(engine, image)} >/dev/null 2>"$private"/why`
  return sh`make_private
why= misnamed=
${isPulled ? sh`${pull} || why=$(tail -n 1 "$private"/why)` : sh`:`}
if ${engine} image inspect ${image} >/dev/null 2>&1; then
  [ -z "$why" ] || echo "unpulled $why"
else
  ${pull} || { cat "$private"/why >&2; exit ${exits.notStarted}; }
fi`
}

// The engine lets in what is led to a port that is published, wherever to: so they are, where nobody finds them.
function interimWords({ image }: ProxySettings): Word[] {
  return [...['80', '443', '443/udp'].flatMap(port => ['-p', `127.0.0.1::${port}`]), ...caddyWords(image)]
}

/** `until_ready`, `give_up`, `drain` and `put_back`. */
function functions(engine: Engine, drainTimeout: number): Script {
  const words = ['-e', `limit=${seconds(drainTimeout)}`]
  return sh`until_ready() {
  tries=0
  while :; do
    case $(${engine} exec "$1" wget -q -O - http://127.0.0.1:2019/config/ 2>/dev/null) in '' | null*) ;; *) return 0 ;; esac
    tries=$((tries + 1))
    running=$(${engine} inspect --format '{{.State.Running}}' "$1")
    [ "$tries" -lt 100 ] && [ "$running" = true ] || return 1
    sleep 0.1
  done
}
give_up() {
  ${engine} logs --tail 10 "$1" >&2
  exit ${exits.notStarted}
}
drain() { ${engine} exec ${words} "$1" sh -c ${drain} || :; }
put_back() {
  ${engine} rm -f ${next}
  ${engine} exec ${proxyContainer} rm -f ${leaving}
  ${engine} start ${proxyContainer} && until_ready ${proxyContainer}
  [ -z "$detour" ] || {
    ${withoutHold()}
    ${withoutDetour()}
    drain ${interim}
  }
  ${engine} rm -f ${interim}
}`
}

// Ports 80 and 443 in hexadecimal; states: established, being made, being closed by either side. What a client keeps and
// does not use for a while may be closed at any time, by its own rules too.
const drain = `touch ${leaving}
patience=5
${defineNow.render()}
started=$(now)
is_open() {
  while read -r _ local _ state _; do
    case \${local##*:} in 0050 | 01BB) case $state in 01 | 03 | 04 | 08 | 09 | 0B) return 0 ;; esac ;; esac
  done
  return 1
}
is_asked() {
  case $(wget -q -O - http://127.0.0.1:2019/reverse_proxy/upstreams) in *'"num_requests":'[1-9]*) return 0 ;; esac
  return 1
}
idle=0
while [ "$idle" -lt 3 ]; do
  if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | is_open; then idle=0; else idle=$((idle + 1)); fi
  past=$(($(now) - started))
  [ "$past" -lt "$patience" ] || is_asked || break
  [ "$past" -lt "$limit" ] || { echo undrained; exit 0; }
  sleep 0.1
done
echo drained`
