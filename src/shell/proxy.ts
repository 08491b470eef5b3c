import type { Engine } from '../config/config.ts'
import { pullName } from './engine.ts'
import { labels, markerName, network, proxyContainer, type Slot } from './names.ts'
import { ensureNetwork, steadyNetwork } from './network.ts'
import { type Script, sh, type Word } from './script.ts'
import type { Site } from './site.ts'
import { certificatesFolder, leaving } from './site-blocks.ts'

/**
 * The proxy: one Caddy container per server, shared by projects. Everything it is told lives in its volume, so that
 * whoever may use the engine can reach it: `Caddyfile`, `sites/PROJECT.caddy`, `certificates/PROJECT/` with certificates
 * that it was given, and a marker in `live/` for each service whose slot b is live. Switching touches a marker; only new
 * routes need a reload, because every reload closes idle keep-alive connections.
 */

export type ProxySettings = { image: string; http_port: number; https_port: number }

/**
 * Starts the proxy where it is missing. Fails with the engine's own words, and leaves nothing behind then. Deploys of two
 * projects may both find it missing: the one that gets the name `next` does the work, and the other waits for it. It is
 * always restarted: Docker takes one that ended because its daemon died for one that was stopped by hand.
 */
export function createProxy(engine: Engine, settings: ProxySettings): Script {
  const { image } = settings
  return sh`start_proxy() {
${engine} image inspect ${image} >/dev/null 2>&1 || interruptible ${engine} pull -q ${pullName(engine, image)} >/dev/null || exit
${ensureNetwork(engine)}
runs() { state=$(${engine} inspect --type container --format ${running} ${proxyContainer} 2>/dev/null); [ "$state" = ${`true ${proxyLabel(settings)}`} ]; }
tries=0
until failure=$(${engine} create --name ${next} ${proxyWords(settings)} 2>&1 >/dev/null); do
  ! runs || return 0
  ${engine} inspect --type container ${next} >/dev/null 2>&1 || { echo "$failure" >&2; exit 1; }
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || ${engine} rm -f ${next} >/dev/null
  sleep 0.2
done
on_exit() { ${engine} rm -f ${next}; } >/dev/null 2>&1
! runs || return 0
${engine} rm -f ${proxyContainer} >/dev/null 2>&1
failure=$(${engine} start ${next} 2>&1 >/dev/null) || { echo "$failure" | head -n 1 >&2; exit 1; }
${engine} rename ${next} ${proxyContainer} || exit
on_exit() { :; }
${steadyNetwork(engine)}
}
start_proxy || exit`
}

/** Words that make the proxy, after those that name it. */
export function proxyWords(settings: ProxySettings): Word[] {
  const { image, http_port, https_port } = settings
  return [
    ...['--restart', 'always', ...labelWords({ [labels.proxy]: proxyLabel(settings) })],
    ...['-p', `${http_port}:80`, '-p', `${https_port}:443`, '-p', `${https_port}:443/udp`],
    ...caddyWords(image),
  ]
}

/** Words that run Caddy with all that the proxy knows. */
export function caddyWords(image: string): Word[] {
  const start = `rm -f ${leaving}
mkdir -p /jiji/sites /jiji/live
printf '%s\\n' ${everyOtherHost} 'import sites/*.caddy' >/jiji/Caddyfile
exec caddy run --config /jiji/Caddyfile --adapter caddyfile`
  return [
    ...['--network', network],
    // Engines hand their own HTTP proxy on to containers; services and health checks are not reached through it.
    ...['-e', 'http_proxy=', '-e', 'HTTP_PROXY='],
    ...['-v', 'jiji-proxy:/jiji', '-v', 'jiji-certificates:/data', '--entrypoint', 'sh', image, '-c', start],
  ]
}

/** Caddy answers 200 of its own, with nothing in it, where a request is for nobody. */
const everyOtherHost = "'http:// {' '\trespond 404' '}'"

const running = `{{.State.Running}} {{index .Config.Labels "${labels.proxy}"}}`

/** The name by which the next proxy is claimed. */
export const next = `${proxyContainer}-next`

/** What a running proxy was started with, to be compared with what a project asks for. */
export function proxyLabel({ image, http_port, https_port }: ProxySettings): string {
  return `${image} ${http_port} ${https_port}`
}

/** The settings in such a label. */
export function parseProxyLabel(label: string): ProxySettings {
  const [image = '', http, https] = label.split(' ')
  return { image, http_port: Number(http), https_port: Number(https) }
}

/** Lines `site JSON` and `live FILE`, from inside the proxy. */
export function readProxy(engine: Engine): Script {
  const read = `cd /jiji 2>/dev/null || exit 0
for file in sites/*.caddy; do [ -f "$file" ] && IFS= read -r line <"$file" && echo "site \${line#??}"; done
for file in live/*/*.b; do [ -f "$file" ] && echo "live \${file#live/}"; done
exit 0`
  return sh`${engine} exec ${proxyContainer} sh -c ${read}`
}

/**
 * Writes the site file and the certificates that it names, has it validated, reloads; what is refused is taken back. The
 * file before, which is empty where there was none, is kept as `.old`, and its certificates with it, until `settleSite`. Of a
 * release that writes more than once (`isNext`), that stays the one from before all of it.
 */
export function writeSite(engine: Engine, site: Site, { isNext = false } = {}): Script {
  const install = `mkdir -p /jiji/sites /jiji/live/"$2" && cd /jiji || exit
cat >"$1.new" || exit
{ [ ! -f "$1" ] || cat "$1"; } >"$1.$3" || exit
mv "$1.new" "$1"
tries=0
until caddy validate --config Caddyfile --adapter caddyfile >/tmp/validate 2>&1 && caddy reload --config Caddyfile --adapter caddyfile >>/tmp/validate 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -lt 20 ] && ! wget -q -O /dev/null http://127.0.0.1:2019/config/; then sleep 0.2; continue; fi
  if [ -s "$1.$3" ]; then mv "$1.$3" "$1"; else rm -f "$1" "$1.$3"; fi
  ${sweep}
  cat /tmp/validate >&2
  exit 1
done
rm -f "$1.last"`
  const place = `umask 077
mkdir -p "\${1%/*}" && cat >"$1.new" && mv "$1.new" "$1"`
  const certificates = site.brings.map(({ file, pem }) => {
    const path = `${certificatesFolder(site.project)}/${file}`
    return sh`printf '%s' ${pem} | ${engine} exec -i ${proxyContainer} sh -c ${place} sh ${path} || exit`
  })
  return sh`${[sh`:`, ...certificates]}
printf '%s' ${site.text} | ${engine} exec -i ${proxyContainer} sh -c ${install} sh ${wordsOf(site)} ${isNext ? 'last' : 'old'}`
}

/** Goes back to the routes that were there before a release wrote any; where it has not, nothing happens. */
export function restoreSite(engine: Engine, site: Site): Script {
  const restore = `cd /jiji && [ -f "$1.old" ] || exit
if [ -s "$1.old" ]; then mv "$1.old" "$1"; else rm -f "$1" "$1.old"; fi
caddy reload --config Caddyfile --adapter caddyfile
${sweep}`
  return sh`${engine} exec ${proxyContainer} sh -c ${restore} sh ${wordsOf(site)} >/dev/null 2>&1`
}

/** Gives up the way back, and with it the certificates that only the routes before had. */
export function settleSite(engine: Engine, site: Site): Script {
  const settle = `cd /jiji || exit
rm -f "$1.old"
${sweep}`
  return sh`${engine} exec ${proxyContainer} sh -c ${settle} sh ${wordsOf(site)} >/dev/null 2>&1`
}

function wordsOf({ project }: Site): Word[] {
  return [`/jiji/sites/${project}.caddy`, project]
}

/** Takes away the certificates of `$2` that neither its site file nor the one before names. */
const sweep = `for pem in certificates/"$2"/*; do
  [ ! -f "$pem" ] || cat "$1" "$1.old" 2>/dev/null | grep -qF "$pem" || rm -f "$pem"
done`

/** Makes a slot the live one. The words run inside the proxy. */
export function switchWords(scope: string, service: string, slot: Slot): Word[] {
  const marker = `/jiji/live/${markerName(scope, service)}`
  return slot === 'b' ? ['touch', marker] : ['rm', '-f', marker]
}

export function labelWords(pairs: Readonly<Record<string, string>>): Word[] {
  return Object.entries(pairs).flatMap(([name, value]) => ['--label', `${name}=${value}`])
}
