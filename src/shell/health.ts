import type { Engine, Service } from '../config/config.ts'
import { exits } from './engine.ts'
import { network, proxyContainer } from './names.ts'
import { lines, type Script, sh } from './script.ts'

type Proxy = NonNullable<Service['proxy']>

/** A container, and its own port where it may differ from the one that is configured now. */
type Asked = { name: string; port?: number | undefined }

/**
 * Goes on when all of the containers are healthy. Else ends the script with `reason …`, the container's last lines as `log …`,
 * and exits.unhealthy: at once when it ended, or when its time is over.
 */
export function waitUntilHealthy(
  engine: Engine,
  service: Service,
  { names, port }: { names: readonly string[]; port?: number | undefined },
  settle: number,
): Script {
  const command = service.healthcheck?.command
  const state =
    '{{.State.Running}} {{.RestartCount}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{end}}'
  return sh`fail() {
  echo "reason $1"
  ${command ? sh`printf '%s\\n' "$said" | tail -n 10 | sed 's/^/log health check: /'` : sh`:`}
  ${engine} logs --tail 30 "$name" 2>&1 | sed 's/^/log /'
  exit ${exits.unhealthy}
}
reason='it did not become healthy'
${command ? sh`said=` : sh`:`}
limit=${seconds(healthLimit(service))}
begin=$(date +%s)
for name in ${names}; do
address=
while :; do
  set -- $(${engine} inspect --format ${state} "$name")
  [ "$2" = 0 ] || fail 'it ended and was restarted'
  [ "$1" = true ] || fail "it ended with status $3"
  ${service.proxy ? probe(engine, service.proxy, port) : command ? runCheck(engine, command, service) : staysUp(settle)}
  [ $(($(date +%s) - begin)) -lt "$limit" ] || fail "$reason in $limit s"
done
done`
}

/** Milliseconds until a service must be healthy. */
export function healthLimit({ proxy, healthcheck }: Service): number {
  return proxy?.healthcheck.deploy_timeout ?? healthcheck?.deploy_timeout ?? 60_000
}

/** Runs the command in the container `$name`. What it writes when it fails is kept in `$said`. */
function runCheck(engine: Engine, command: readonly string[], { healthcheck }: Service): Script {
  const timeout = seconds(healthcheck?.timeout ?? 5000)
  return sh`said=$(timeout ${timeout} ${engine} exec "$name" ${command} 2>&1) && break
  status=$?
  reason="its health check (status $status) did not succeed"
  case $status in 124 | 143) reason=${`its health check (${timeout} s a run) did not end`} ;; esac
  sleep ${(healthcheck?.interval ?? 1000) / 1000}`
}

/** Asks the container `$name` several times in one execution, in quick succession at first. */
function probe(engine: Engine, proxy: Proxy, port: number | undefined): Script {
  const { path, interval } = proxy.healthcheck
  const ask = `tries=0
while [ "$tries" -lt 5 ]; do
  ${readStatus}
  case $status in [23]??) exit 0 ;; esac
  tries=$((tries + 1))
  sleep "$pause"
done
echo "$status"
exit 1`
  return sh`[ -n "$address" ] || ${findAddress(engine)}
  status=$(${engine} exec -e pause="\${pause:-0.1}" ${inProxy(proxy, port, ask)}) && break
  pause=${interval / 1000}
  if [ -n "$status" ]; then reason=${path}" answered $status"; else reason=${path}' gave no answer'; fi`
}

/** Asks each of a server's services once: lines `health SERVICE STATUS`, without a status where nothing answered. */
export function askHealth(engine: Engine, services: readonly (Asked & { service: string; proxy: Proxy })[]): Script {
  return lines(
    ...services.map(
      ({ service, name, port, proxy }) => sh`name=${name}
${findAddress(engine)}
status=$(${engine} exec ${inProxy(proxy, port, `${readStatus}; echo "$status"`)})
echo health ${service} "$status"`,
    ),
  )
}

function findAddress(engine: Engine): Script {
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`
  return sh`address=$(${engine} inspect --format ${format} "$name")`
}

/** Words for the engine's exec: the question is asked from inside the proxy's network, and with the service's own name. */
function inProxy({ app_port, hosts, healthcheck }: Proxy, port: number | undefined, ask: string): Script {
  const host = hosts[0]?.replace('*', 'health')
  const settings = ['-e', `host=${host}`, '-e', `limit=${seconds(healthcheck.timeout)}`]
  return sh`${settings} ${proxyContainer} sh -c ${ask} sh http://"$address":${port ?? app_port}${healthcheck.path}`
}

/** The status of the first answer; wget goes after redirects, which say that the service is there. */
const readStatus = `status=$(timeout "$limit" wget -S -O /dev/null --header "Host: $host" "$1" 2>&1 | sed -n '/^ *HTTP\\//{s/^ *[^ ]* \\([0-9]*\\).*/\\1/p;q;}')`

/** The image's own HEALTHCHECK when it has one; else it must just stay up. */
function staysUp(settle: number): Script {
  return sh`case $4 in
    healthy) break ;;
    unhealthy) fail 'its health check failed' ;;
    starting) reason='its health check did not succeed' ;;
    *) [ $(($(date +%s) - begin)) -lt ${seconds(settle)} ] || break ;;
  esac
  sleep 0.3`
}

export function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000)
}
