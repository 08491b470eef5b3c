import type { Engine, Service, Settings, Target } from '../config/config.ts'
import { noteRunning } from './boot.ts'
import { type Kept, type Running, runContainers, type Surroundings } from './container.ts'
import { exits } from './engine.ts'
import { seconds, waitUntilHealthy } from './health.ts'
import { type LockOwner, requireLock } from './lock.ts'
import { filesFolder, removeFiles } from './mounts.ts'
import { waitForNames } from './name-server.ts'
import { labels, network, proxyContainer, type Slot, slotName, stableName } from './names.ts'
import { labelWords, switchWords } from './proxy.ts'
import { type Script, sh, type Word } from './script.ts'
import { restartPolicy, startContainers, stopContainers } from './start-stop.ts'

/** One service on one server goes from its containers to others. */
export type Replacement = {
  scope: string
  /** Whose lock it is done under. */
  owner: LockOwner
  service: Service
  /** The containers that come: made from an image, or such as stand there stopped, perhaps in another slot. */
  candidate: Standing & { create?: NewContainer; isMoved?: boolean }
  /** The containers that go, if there are any. */
  live: Standing | undefined
  /** What happens to them when the candidate has taken over. */
  afterwards: 'stop' | 'remove'
  /** Left by a deploy that was cut off: out of the way first. */
  leftovers: { remove: readonly string[]; stop: readonly string[] }
  timing: Pick<Settings['deploy'], 'drain_timeout' | 'stop_timeout' | 'settle'>
}

/** The replicas in a slot, and the ports that the proxy reaches them on. */
type Standing = { names: readonly string[]; slot: Slot; ports?: readonly number[] | undefined }

export type NewContainer = (Pick<Surroundings, 'secrets' | 'files'> | Pick<Kept, 'isKept'>) & {
  image: string
  /** The image's own id, where its name may mean another one by now. */
  id?: string | undefined
  release: string
  version: string
  digest: string
}

/**
 * Starts the candidate, waits until it is healthy, switches the proxy, lets running requests finish and stops what ran
 * before. Each step is a line: `started`, `healthy`, `switched`, `drained` or `undrained`, `stopped`. Until the switch
 * everything is undone when the script ends early, whatever the reason, a lost lock among them; from the switch on it
 * goes through to the end.
 * An unhealthy candidate gives `reason …`, its last log lines as `log …`, and exits.unhealthy.
 */
export function replaceContainer(engine: Engine, replacement: Replacement): Script {
  const { scope, owner, candidate, live, service, timing, leftovers } = replacement
  const isGap = service.stop_first && live !== undefined
  const coming = candidate.create && newContainers(engine, replacement, candidate.create)
  const stop = live ? stopContainers(engine, live.names, seconds(timing.stop_timeout)) : sh`:`
  const names = candidate.names.map((_, index) => slotName(scope, service.name, candidate.slot, index + 1))
  const isNamed = engine === 'podman' && service.proxy !== undefined
  return sh`${requireLock(scope, owner)}
${leftovers.remove.length > 0 ? sh`${engine} rm -f ${leftovers.remove} >/dev/null 2>&1` : sh`:`}
${leftovers.stop.length > 0 ? sh`${stopContainers(engine, leftovers.stop)} 2>/dev/null` : sh`:`}
candidate=${candidate.names[0] ?? ''}
${coming ? coming.place : sh`:`}
on_exit() {
  [ -n "$candidate" ] || return
  ${coming ? sh`${engine} rm -f ${candidate.names}` : stopContainers(engine, candidate.names, 2)}
  ${coming ? coming.undo : sh`:`}
  ${isGap ? startContainers(engine, service, live.names) : sh`:`}
} >/dev/null 2>&1
${isGap ? sh`${stop} || exit` : sh`:`}
${candidate.isMoved ? moveTo(engine, replacement) : sh`:`}
${coming && candidate.create ? create(engine, replacement, candidate.create, coming) : sh`${startContainers(engine, service, candidate.names)} || exit ${exits.notStarted}`}
echo started
${waitUntilHealthy(engine, service, candidate, timing.settle)}
echo healthy
${isNamed ? waitForNames(names) : sh`:`}
${requireLock(scope, owner)}
trap '' TERM HUP INT
${service.proxy ? switchProxy(engine, replacement) : sh`candidate=`}
${noteRunning(engine, scope, service, candidate.names)}
${live && !isGap ? stop : sh`:`}
${live && replacement.afterwards === 'remove' ? remove(engine, scope, live.names) : sh`:`}
${isNamed && live ? waitForNames(names) : sh`:`}
echo stopped`
}

function remove(engine: Engine, scope: string, names: readonly string[]): Script {
  return sh`${engine} rm -f ${names} >/dev/null
${filesFolder(scope, names[0] ?? '')}
${removeFiles}`
}

/** Gives containers that are stopped the names of another slot, unless they were on the network of the server. */
function moveTo(engine: Engine, { scope, service, candidate: { names, slot } }: Replacement): Script {
  return sh`${names.map((name, index) => {
    const aliases = aliasWords('--alias', scope, service, slot, index + 1)
    return sh`mode=$(${engine} inspect --format '{{.HostConfig.NetworkMode}}' ${name})
[ "$mode" = host ] || {
  ${engine} network disconnect ${network} ${name} >/dev/null
  ${engine} network connect ${aliases} ${network} ${name} >/dev/null || exit ${exits.notStarted}
}`
  })}`
}

function aliasWords(option: string, scope: string, service: Service, slot: Slot, replica: number): Word[] {
  return [option, slotName(scope, service.name, slot, replica), option, stableName(scope, service.name)]
}

function newContainers(engine: Engine, { scope, service, candidate }: Replacement, container: NewContainer): Running {
  return runContainers(
    engine,
    { scope, service, ...container },
    {
      first: candidate.names[0] ?? '',
      image: container.id ?? container.image,
      command: service.command ?? [],
      keepsAll: true,
    },
  )
}

function create(
  engine: Engine,
  replacement: Replacement,
  container: NewContainer,
  { prepare, environment, run }: Running,
): Script {
  const { scope, service, candidate, timing } = replacement
  const wordsFor = (name: string, replica: number): Word[] => [
    ...['-d', '--name', name, '--restart', restartPolicy(engine, service)],
    ...(service.network_mode === 'host' ? [] : aliasWords('--network-alias', scope, service, candidate.slot, replica)),
    ...['--stop-timeout', seconds(timing.stop_timeout)],
    ...labelWords({
      ...service.labels,
      [labels.project]: scope,
      [labels.service]: service.name,
      [labels.release]: container.release,
      [labels.version]: container.version,
      [labels.slot]: candidate.slot,
      [labels.replica]: String(replica),
      [labels.image]: container.image,
      [labels.digest]: container.digest,
      [labels.hosts]: targetsOf(service)
        .flatMap(({ hosts }) => hosts)
        .join(' '),
      [labels.ports]: portsOf(service).join(' '),
    }),
    ...service.ports.flatMap(port => ['-p', port]),
  ]
  return sh`${prepare}
(
${environment}
${candidate.names.map((name, index) => sh`${run(wordsFor(name, index + 1))} || exit`)}
) >/dev/null || exit ${exits.notStarted}
${engine} inspect --type container --format '{{.Image}}' ${candidate.names[0] ?? ''} >"$files"/image`
}

/** One execution in the proxy: the switch, then waiting for the requests that still run in the old container. */
function switchProxy(engine: Engine, { scope, service, candidate, live, timing }: Replacement): Script {
  const ports = live?.ports ?? portsOf(service)
  const replicas = live?.names.map((_, index) => slotName(scope, service.name, live.slot, index + 1)) ?? []
  const old = replicas.flatMap(name => [...new Set(ports)].map(port => `${name}:${port}`))
  const words = `"$@" || exit ${exits.notSwitched}
echo switched
[ -n "$old" ] || exit 0
end=$(($(date +%s) + limit))
is_busy() {
  upstreams=$(wget -q -O - http://127.0.0.1:2019/reverse_proxy/upstreams)
  for one in $old; do
    case $upstreams in
      *'"address":"'"$one"'","num_requests":0,'*) ;;
      *'"address":"'"$one"'",'*) return 0 ;;
    esac
  done
  return 1
}
idle=0
while sleep 0.05; do
  if is_busy; then idle=0; sleep 0.2; else idle=$((idle + 1)); fi
  [ "$idle" -lt "$looks" ] || break
  [ "$(date +%s)" -lt "$end" ] || { echo undrained; exit 0; }
done
echo drained`
  const back = switchWords(scope, service.name, live?.slot ?? 'a')
  // A request that could not be connected waits for 250 ms before it is tried again, and is counted nowhere meanwhile.
  const looks = replicas.length > 1 || engine === 'podman' ? 8 : 1
  const settings = [`old=${old.join(' ')}`, `limit=${seconds(timing.drain_timeout)}`, `looks=${looks}`]
  return sh`${engine} exec ${settings.flatMap(setting => ['-e', setting])} ${proxyContainer} sh -c ${words} sh ${switchWords(scope, service.name, candidate.slot)} || {
  ${engine} exec ${proxyContainer} ${back}
  exit ${exits.notSwitched}
}
candidate=`
}

function targetsOf({ proxy }: Service): readonly Target[] {
  return proxy?.targets ?? []
}

function portsOf(service: Service): number[] {
  return targetsOf(service).map(({ app_port }) => app_port)
}
