import type { Engine } from '../config/config.ts'
import { stateFolder } from './names.ts'
import { type Script, sh } from './script.ts'

/** A release as a server remembers it; one line of JSON in `releases/ID.json`. */
export type ReleaseRecord = {
  schemaVersion: 1
  id: string
  version: string
  at: string
  by: string
  services: Record<string, { image: string; digest: string; container: string }>
}

/** One change, for `jiji audit`. */
export type AuditEntry = {
  at: string
  by: string
  action: string
  project: string
  server: string
  services?: string[]
  from?: string
  to?: string
  release?: string
  registry?: string
  username?: string
  result: 'done' | 'failed' | 'rolled-back' | 'interrupted'
  reason?: string
}

/** Makes a release the current one, and takes away what is older than the project retains. */
export function recordRelease(
  engine: Engine,
  scope: string,
  record: ReleaseRecord,
  old: { containers: readonly string[]; images: readonly string[]; releases: readonly string[] },
): Script {
  return sh`${stateFolder(scope)}
mkdir -p "$state/releases" || exit
printf '%s\\n' ${JSON.stringify(record)} >"$state/releases/.new" && mv "$state/releases/.new" "$state"/releases/${`${record.id}.json`} || exit
printf '%s\\n' ${record.id} >"$state/.current" && mv "$state/.current" "$state/current" || exit
${removeOld(engine, old)}`
}

/** Goes back to a release that is already on record. */
export function recordCurrent(scope: string, id: string): Script {
  return sh`${stateFolder(scope)}
printf '%s\\n' ${id} >"$state/.current" && mv "$state/.current" "$state/current"`
}

export function appendAudit(scope: string, entry: AuditEntry): Script {
  return sh`${stateFolder(scope)}
mkdir -p "$state" && printf '%s\\n' ${JSON.stringify(entry)} >>"$state/audit.jsonl"`
}

export function readAudit(scope: string, count: number): Script {
  return sh`${stateFolder(scope)}
[ ! -f "$state/audit.jsonl" ] || tail -n ${count} "$state/audit.jsonl"`
}

// An image that another container still uses stays: the engine refuses, and that is no failure of ours.
function removeOld(
  engine: Engine,
  {
    containers,
    images,
    releases,
  }: { containers: readonly string[]; images: readonly string[]; releases: readonly string[] },
): Script {
  return sh`${containers.length > 0 ? sh`${engine} rm -f ${containers} >/dev/null 2>&1` : sh`:`}
${images.map(image => sh`${engine} image rm ${image} >/dev/null 2>&1`)}
${releases.map(id => sh`rm -f "$state"/releases/${`${id}.json`}`)}
:`
}
