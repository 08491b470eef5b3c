import type { Engine, Service, Settings, Target } from '../config/config.ts'
import { networkOwner } from '../config/shared-network.ts'
import { noteRunning, noteStopped } from './boot.ts'
import { type Kept, type Running, runContainers, type Surroundings } from './container.ts'
import { exits } from './engine.ts'
import { seconds, stillRuns, waitUntilHealthy } from './health.ts'
import { type LockOwner, requireLock } from './lock.ts'
import { filesFolder, removeFiles } from './mounts.ts'
import { waitForNames } from './name-server.ts'
import { labels, network, proxyContainer, type Slot, slotName, stableName } from './names.ts'
import { steadyNetwork } from './network.ts'
import { defineNow } from './now.ts'
import { labelWords, switchWords } from './proxy.ts'
import { type Script, sh, type Word } from './script.ts'
import { removal, removeSoon, restartPolicy, startContainers, stopContainers } from './start-stop.ts'

/** One service on one server goes from its containers to others, and with it what shares their network. */
export type Replacement = Member & {
  scope: string
  /** Whose lock it is done under. */
  owner: LockOwner
  candidate: Candidate
  /** Of the containers that come, and of those that go. */
  sharers?: readonly Member[]
  timing: Pick<Settings['deploy'], 'drain_timeout' | 'stop_timeout' | 'settle'>
}

export type Member = {
  service: Service
  /** What comes, if anything does. */
  candidate?: Candidate | undefined
  /** The containers that go, if there are any. */
  live: Standing | undefined
  /** What happens to them when the candidate has taken over. */
  afterwards: 'stop' | 'remove'
  /** Left by a deploy that was cut off: out of the way first. */
  leftovers: { remove: readonly string[]; stop: readonly string[] }
}

/** Containers that are made from an image, or such as stand there stopped, perhaps in another slot. */
type Candidate = Standing & { create?: NewContainer; isMoved?: boolean }

/** The replicas in a slot, and the ports that the proxy reaches them on. */
type Standing = { names: readonly string[]; slot: Slot; ports?: readonly number[] | undefined }

export type NewContainer = (Pick<Surroundings, 'secrets' | 'files'> | Pick<Kept, 'isKept'>) & {
  /** The container whose network it shares. */
  joins?: string | undefined
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
 * An unhealthy candidate gives `reason …`, its last log lines as `log …`, and exits.unhealthy. What shares its network is
 * started after it and asked before it, since it may need them to be healthy itself: what is about which of them comes after a line `about SERVICE`.
 */
export function replaceContainer(engine: Engine, replacement: Replacement): Script {
  const { scope, owner, candidate, live, service, timing, sharers = [] } = replacement
  const all: Member[] = [replacement, ...sharers]
  const coming = all.flatMap(one => (one.candidate ? [{ ...one, candidate: one.candidate }] : []))
  const going = all.flatMap(one => (one.live ? [{ ...one, live: one.live }] : []))
  // What has no network of its own would want the ports of the one before, but where the network is a new one as well.
  const isGap = live !== undefined && (service.stop_first || networkOwner(service) !== undefined)
  const before = going.filter(one => isGap || one.service.stop_first)
  const stop = ({ names }: Standing) => stopContainers(engine, names, seconds(timing.stop_timeout))
  const names = candidate.names.map((_, index) => slotName(scope, service.name, candidate.slot, index + 1))
  const isNamed = engine === 'podman' && service.proxy !== undefined
  const about = (one: Member) => (sharers.length > 0 ? sh`echo ${`about ${one.service.name}`}` : sh`:`)
  return sh`${requireLock(scope, owner)}
${all.map(({ leftovers }) => clear(engine, leftovers))}
${steadyNetwork(engine)}
candidate=${candidate.names[0] ?? ''}
on_exit() {
  [ -n "$candidate" ] || return
  ${coming.toReversed().map(one => undo(engine, replacement, one))}
  ${each(before, one => startContainers(engine, one.service, one.live.names))}
} >/dev/null 2>&1
${each(before, one => sh`${stop(one.live)} || exit`)}
${coming.map(
  one => sh`${about(one)}
${start(engine, replacement, one)}`,
)}
echo started
${[...coming.slice(1), ...coming.slice(0, 1)].map(
  one => sh`${about(one)}
${waitUntilHealthy(engine, one.service, one.candidate, timing.settle)}`,
)}
${each(
  coming.slice(1),
  one => sh`${about(one)}
${stillRuns(engine, one.candidate.names)}`,
)}
echo healthy
${isNamed ? waitForNames(names) : sh`:`}
${requireLock(scope, owner)}
trap '' TERM HUP INT
${service.proxy ? switchProxy(engine, replacement) : sh`candidate=`}
${coming.map(one => noteRunning(engine, scope, one.service, one.candidate.names))}
${each(
  all.filter(one => !one.candidate),
  one => noteStopped(engine, scope, one.live?.names ?? []),
)}
${each(
  going.filter(one => !before.includes(one)),
  one => stop(one.live),
)}
${each(
  going.filter(one => one.afterwards === 'remove'),
  one => remove(engine, scope, one.live.names),
)}
${isNamed && live ? waitForNames(names) : sh`:`}
echo stopped`
}

function each<T>(items: readonly T[], write: (item: T) => Script): Script {
  return items.length > 0 ? sh`${items.map(write)}` : sh`:`
}

function clear(engine: Engine, { remove, stop }: Member['leftovers']): Script {
  return sh`${remove.length > 0 ? sh`${removal(engine)} ${remove} >/dev/null 2>&1` : sh`:`}
${stop.length > 0 ? sh`${stopContainers(engine, stop)} 2>/dev/null` : sh`:`}`
}

type Coming = Member & { candidate: Candidate }

/** Makes the containers that come, or starts them, in another slot if need be. */
function start(engine: Engine, { scope, timing }: Replacement, member: Coming): Script {
  const { service, candidate } = member
  if (candidate.create) return create(engine, scope, timing, member, candidate.create)
  return sh`${candidate.isMoved ? moveTo(engine, scope, member) : sh`:`}
${startContainers(engine, service, candidate.names)} || exit ${exits.notStarted}`
}

function undo(engine: Engine, { scope }: Replacement, member: Coming): Script {
  const { names, create } = member.candidate
  if (!create) return stopContainers(engine, names, 2)
  const { place, undo } = newContainers(engine, scope, member, create)
  return sh`${removeSoon(engine, names)}
  ${place}
  ${undo}`
}

function remove(engine: Engine, scope: string, names: readonly string[]): Script {
  return sh`${removal(engine)} ${names} >/dev/null
${filesFolder(scope, names[0] ?? '')}
${removeFiles}`
}

/** Gives containers that are stopped the names of another slot, unless they are on the network of somebody else. */
function moveTo(engine: Engine, scope: string, { service, candidate: { names, slot } }: Coming): Script {
  return sh`${names.map((name, index) => {
    const aliases = aliasWords('--alias', scope, service, slot, index + 1)
    return sh`case $(${engine} inspect --format '{{.HostConfig.NetworkMode}}' ${name}) in
  host | container:*) ;;
  *)
    ${engine} network disconnect ${network} ${name} >/dev/null
    ${engine} network connect ${aliases} ${network} ${name} >/dev/null || exit ${exits.notStarted}
    ;;
esac`
  })}`
}

function aliasWords(option: string, scope: string, service: Service, slot: Slot, replica: number): Word[] {
  return [option, slotName(scope, service.name, slot, replica), option, stableName(scope, service.name)]
}

function newContainers(
  engine: Engine,
  scope: string,
  { service, candidate }: Coming,
  container: NewContainer,
): Running {
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
  scope: string,
  timing: Replacement['timing'],
  member: Coming,
  container: NewContainer,
): Script {
  const { service, candidate } = member
  const { place, prepare, environment, run } = newContainers(engine, scope, member, container)
  const wordsFor = (name: string, replica: number): Word[] => [
    ...['-d', '--name', name, '--restart', restartPolicy(engine, service)],
    ...(service.network_mode === 'bridge'
      ? aliasWords('--network-alias', scope, service, candidate.slot, replica)
      : []),
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
  return sh`${place}
${prepare}
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
${defineNow.render()}
end=$(($(now) + limit))
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
  [ "$(now)" -lt "$end" ] || { echo undrained; exit 0; }
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
