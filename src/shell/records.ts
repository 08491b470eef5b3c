import type { Engine } from '../config/config.ts'
import type { RecordedSettings } from '../config/recorded.ts'
import { noteStopped, startAtBoot } from './boot.ts'
import { noteEngine } from './engine-used.ts'
import { removeOldFiles } from './mounts.ts'
import { labels, replicaNames, type Slot, stateFolder } from './names.ts'
import { lines, type Script, sh } from './script.ts'
import { removal, stopContainers } from './start-stop.ts'

/** A release as a server remembers it; one line of JSON in `releases/ID.json`. */
export type ReleaseRecord = {
  schemaVersion: 1
  id: string
  version: string
  at: string
  by: string
  services: Record<string, RecordedService>
}

/** `container` is the first replica's name; `slot` is where it stands, which a rollback can change. */
export type RecordedService = {
  image: string
  digest: string
  container: string
  replicas?: number
  slot?: Slot
  /** What its containers were made for, which may be an earlier release; only where `settings` are. */
  release?: string
  version?: string
  /** How it was configured, without its environment, which is kept beside its files. */
  settings?: RecordedSettings
}

export function recordedNames({ container, replicas = 1 }: RecordedService): string[] {
  return replicaNames(container, replicas)
}

type Old = {
  /** Running containers that are to be stopped. */
  retire: readonly string[]
  containers: readonly string[]
  images: readonly string[]
  /** Images that stay; all others that were built for this project go, those of failed releases included. */
  keep: readonly string[]
  releases: readonly string[]
}

/** When a release is on record everywhere: takes away what is older than the project retains. */
export function finishRelease(engine: Engine, scope: string, old: Old): Script {
  return lines(stateFolder(scope), startAtBoot(engine, scope), removeOld(engine, scope, old))
}

/** When a release from before is the current one everywhere: stops what it did not have. */
export function finishReturn(engine: Engine, scope: string, retire: readonly string[]): Script {
  return stop(engine, scope, retire)
}

function stop(engine: Engine, scope: string, containers: readonly string[]): Script {
  return containers.length > 0
    ? lines(sh`${stopContainers(engine, containers)} 2>/dev/null`, noteStopped(engine, scope, containers))
    : sh`:`
}

/** Makes a release the current one, also where the power fails next. */
export function recordCurrent(engine: Engine, scope: string, record: ReleaseRecord): Script {
  return sh`${stateFolder(scope)}
mkdir -p "$state/releases" || exit
${noteEngine(engine)}
${toDisk(sh`"$state"/files/*/*`)}
${writeRecord(record)}
${writeCurrent(record.id)}
${toDisk(sh`"$state/current"`)}`
}

/** Undoes `recordCurrent`, as far as it has come: this is what was there before. */
export function withdrawRecord(
  scope: string,
  id: string,
  before: { record?: ReleaseRecord | undefined; current?: string | undefined },
): Script {
  const { record, current } = before
  return sh`${stateFolder(scope)}
if [ "$(cat "$state/current" 2>/dev/null)" = ${id} ]; then
  ${current === undefined ? sh`rm -f "$state/current" || exit` : writeCurrent(current)}
fi
${record ? writeRecord(record) : sh`rm -f "$state"/releases/${`${id}.json`} || exit`}`
}

/** With `$state` set. */
export function writeRecord(record: ReleaseRecord): Script {
  return sh`printf '%s\\n' ${JSON.stringify(record)} >"$state/releases/.new" && ${toDisk(sh`"$state/releases/.new"`)} && mv "$state/releases/.new" "$state"/releases/${`${record.id}.json`} || exit`
}

function writeCurrent(id: string): Script {
  return sh`printf '%s\\n' ${id} >"$state/.current" && ${toDisk(sh`"$state/.current"`)} && mv "$state/.current" "$state/current" || exit`
}

/** Waits until files are on the disk, on a server that can; a file that has its name before its contents could be found empty. */
function toDisk(files: Script): Script {
  return sh`{ sync ${files} 2>/dev/null || :; }`
}

/** With `$state` set. An image that another container still uses stays: the engine refuses, and that is no failure of ours. */
export function removeOld(engine: Engine, scope: string, { retire, containers, images, keep, releases }: Old): Script {
  return sh`${stop(engine, scope, retire)}
${containers.length > 0 ? sh`${removal(engine)} ${containers} >/dev/null 2>&1` : sh`:`}
${releases.map(id => sh`rm -f "$state"/releases/${`${id}.json`}`)}
${removeOldFiles(engine)}
for image in ${images} $(${engine} images --filter ${`label=${labels.project}=${scope}`} --format '{{.Repository}}:{{.Tag}}'); do
  for kept in ${keep} '<none>:<none>'; do [ "$image" != "$kept" ] || continue 2; done
  ${removeImage(engine)}
done
:`
}

// It also goes by the digest that it was pulled by; only when both names are gone does its space come back.
function removeImage(engine: Engine): Script {
  return sh`digests=$(${engine} image inspect --format '{{range .RepoDigests}}{{.}} {{end}}' "$image" 2>/dev/null)
  ${engine} image rm "$image" >/dev/null 2>&1
  for digest in $digests; do ${engine} image rm "$digest" >/dev/null 2>&1; done`
}
