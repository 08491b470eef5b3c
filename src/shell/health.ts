import type { Engine, Service, Target } from '../config/config.ts'
import { exits } from './engine.ts'
import { network, proxyContainer } from './names.ts'
import { defineNow } from './now.ts'
import { lines, type Script, sh } from './script.ts'
import { portsIn } from './site.ts'

/** What one target of a container is asked; `said` is how people are told. */
export type Question = { target: Target; port: number; said: string }

/**
 * Goes on when all of the containers are healthy. Else ends the script with `reason …`, the container's last lines as `log …`,
 * and exits.unhealthy: at once when it ended, or when its time is over.
 */
export function waitUntilHealthy(
  engine: Engine,
  service: Service,
  { names, ports }: { names: readonly string[]; ports?: readonly number[] | undefined },
  settle: number,
): Script {
  const command = service.healthcheck?.command
  const ask = service.proxy
    ? questionsFor(service.proxy.targets, ports).map(question => probe(engine, question))
    : [command ? runCheck(engine, command, service) : staysUp(settle)]
  return sh`fail() {
  echo "reason $1"
  ${command ? sh`printf '%s\\n' "$said" | tail -n 10 | sed 's/^/log health check: /'` : sh`:`}
  ${engine} logs --tail 30 "$name" 2>&1 | sed 's/^/log /'
  exit ${exits.unhealthy}
}
reason='it did not become healthy'
${command ? sh`said=` : sh`:`}
limit=${seconds(healthLimit(service))}
${defineNow}
begin=$(now)
for name in ${names}; do
address=
${ask.map(
  one => sh`while :; do
  ${requireRunning(engine)}
  ${one}
  [ $(($(now) - begin)) -lt "$limit" ] || fail "$reason in $limit s"
done`,
)}
done`
}

/**
 * For what was healthy a while ago, when all that goes live with it is so as well. Ends the script as waitUntilHealthy
 * does, which must stand before it.
 */
export function stillRuns(engine: Engine, names: readonly string[]): Script {
  return sh`for name in ${names}; do
  ${requireRunning(engine)}
done`
}

/** The container `$name`; the status of its own health check is in `$4` then. */
function requireRunning(engine: Engine): Script {
  const state =
    '{{.State.Running}} {{.RestartCount}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{end}}'
  return sh`set -- $(${engine} inspect --format ${state} "$name")
  [ "$2" = 0 ] || fail 'it ended and was restarted'
  [ "$1" = true ] || fail "it ended with status $3"`
}

/** Milliseconds until a service must be healthy. */
export function healthLimit({ proxy, healthcheck }: Service): number {
  const limits = proxy?.targets.map(target => target.healthcheck.deploy_timeout) ?? []
  return limits.length > 0 ? Math.max(...limits) : (healthcheck?.deploy_timeout ?? 60_000)
}

/** Of the targets that a container has by its ports. */
export function questionsFor(targets: readonly Target[], ports: readonly number[] | undefined): Question[] {
  const known = portsIn(targets, ports)
  return targets.flatMap((target, index): Question[] => {
    const [port, { path }] = [known[index], target.healthcheck]
    return port === undefined ? [] : [{ target, port, said: targets.length > 1 ? `:${port}${path}` : path }]
  })
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
function probe(engine: Engine, question: Question): Script {
  const { target, said } = question
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
  status=$(${engine} exec -e pause="\${pause:-0.1}" ${inProxy(question, ask)}) && break
  pause=${target.healthcheck.interval / 1000}
  if [ -n "$status" ]; then reason=${said}" answered $status"; else reason=${said}' gave no answer'; fi`
}

/** Asks containers once: a line `health CONTAINER STATUS` for each question, without a status where nothing answered. */
export function askHealth(engine: Engine, asked: readonly { name: string; questions: readonly Question[] }[]): Script {
  return lines(
    ...asked.map(
      ({ name, questions }) => sh`name=${name}
${findAddress(engine)}
${questions.map(
  question => sh`status=$(${engine} exec ${inProxy(question, `${readStatus}; echo "$status"`)})
echo health ${name} "$status"`,
)}`,
    ),
  )
}

function findAddress(engine: Engine): Script {
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`
  return sh`address=$(${engine} inspect --format ${format} "$name")`
}

/** Words for the engine's exec: the question is asked from inside the proxy's network, and with the service's own name. */
function inProxy({ target: { hosts, healthcheck }, port }: Question, ask: string): Script {
  const host = hosts[0]?.replace('*', 'health')
  const settings = ['-e', `host=${host}`, '-e', `limit=${seconds(healthcheck.timeout)}`]
  return sh`${settings} ${proxyContainer} sh -c ${ask} sh http://"$address":${port}${healthcheck.path}`
}

/** The status of the first answer; wget goes after redirects, which say that the service is there. */
const readStatus = `status=$(timeout "$limit" wget -S -O /dev/null --header "Host: $host" "$1" 2>&1 | sed -n '/^ *HTTP\\//{s/^ *[^ ]* \\([0-9]*\\).*/\\1/p;q;}')`

/** The image's own HEALTHCHECK when it has one; else it must just stay up. */
function staysUp(settle: number): Script {
  return sh`case $4 in
    healthy) break ;;
    unhealthy) fail 'its health check failed' ;;
    starting) reason='its health check did not succeed' ;;
    *) [ $(($(now) - begin)) -lt ${seconds(settle)} ] || break ;;
  esac
  sleep 0.3`
}

export function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000)
}
