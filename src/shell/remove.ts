import type { Engine } from '../config/config.ts'
import { noteStopped } from './boot.ts'
import { exits } from './engine.ts'
import { labels, markerName, proxyContainer, stateFolder } from './names.ts'
import { settleSite, writeSite } from './proxy.ts'
import { type ReleaseRecord, removeOld, writeRecord } from './records.ts'
import { defineAsRoot } from './rootless.ts'
import { type Script, sh } from './script.ts'
import type { Site } from './site.ts'
import { removal } from './start-stop.ts'

type Going = {
  services: readonly { service: string; containers: readonly string[]; volumes: readonly string[] }[]
  isWithVolumes: boolean
  /** The routes that stay, where some go. */
  site?: Site
  images: readonly string[]
  keep: readonly string[]
  releases: { rewrite: readonly ReleaseRecord[]; drop: readonly string[] }
}

/** Takes services off a server: first their routes, so that nobody is led to what is being stopped. */
export function removeServices(engine: Engine, scope: string, going: Going): Script {
  const { services, isWithVolumes, site, images, keep, releases } = going
  const containers = services.flatMap(one => one.containers)
  const volumes = services.flatMap(one => one.volumes)
  const markers = services.map(({ service }) => `/jiji/live/${markerName(scope, service)}`)
  return sh`${stateFolder(scope)}
${site ? sh`${writeSite(engine, site)} || exit ${exits.notSwitched}` : sh`:`}
${
  site
    ? sh`${settleSite(engine, site)}
${engine} exec ${proxyContainer} rm -f ${markers} 2>/dev/null`
    : sh`:`
}
${services.map(({ service }) => removeLabelled(engine, `${labels.run}=${scope}/${service}`))}
${containers.length > 0 ? sh`${engine} stop ${containers} >/dev/null` : sh`:`}
${noteStopped(engine, scope, containers)}
${containers.length > 0 ? sh`${removal(engine)} ${isWithVolumes ? ['-v'] : []} ${containers} >/dev/null || exit` : sh`:`}
${isWithVolumes ? removeVolumes(engine, volumes) : sh`:`}
${isWithVolumes ? removeDirectories(engine, services) : sh`:`}
rmdir "$state"/directories 2>/dev/null
${releases.rewrite.map(writeRecord)}
${removeOld(engine, scope, { retire: [], containers: [], images, keep, releases: releases.drop })}
[ -f "$state"/releases/"$(cat "$state/current" 2>/dev/null)".json ] || rm -f "$state/current"`
}

/** With `$state` set. Containers may have given what is in them to others. */
function removeDirectories(engine: Engine, services: Going['services']): Script {
  return sh`${defineAsRoot(engine)}
as_root rm -rf ${services.map(({ service }) => sh`"$state"/directories/${service}`).reduce((all, one) => sh`${all} ${one}`, sh``)}`
}

/** Its certificates and routes stay, in its volumes, unless those go as well. */
export function removeProxy(engine: Engine, { isWithVolumes }: { isWithVolumes: boolean }): Script {
  return sh`${engine} rm -f ${proxyContainer} >/dev/null || exit
${removeVolumes(engine, isWithVolumes ? ['jiji-proxy', 'jiji-certificates'] : [])}`
}

/** Takes away all containers that carry a label. */
export function removeLabelled(engine: Engine, label: string): Script {
  return sh`ids=$(${engine} ps -aq --filter ${`label=${label}`})
[ -z "$ids" ] || ${removal(engine)} $ids >/dev/null`
}

/** Takes away those of these volumes that are there. */
export function removeVolumes(engine: Engine, volumes: readonly string[]): Script {
  if (volumes.length === 0) return sh`:`
  return sh`for volume in ${volumes}; do
  ! ${engine} volume inspect "$volume" >/dev/null 2>&1 || ${engine} volume rm "$volume" >/dev/null || exit
done`
}

/** Takes away what exceeds the releases that are retained, and says how much room that made, as `freed KILOBYTES`. */
export function pruneReleases(
  engine: Engine,
  scope: string,
  excess: Pick<Parameters<typeof removeOld>[2], 'containers' | 'images' | 'keep' | 'releases'>,
): Script {
  const root = engine === 'docker' ? '{{.DockerRootDir}}' : '{{.Store.GraphRoot}}'
  return sh`${stateFolder(scope)}
root=$(${engine} info --format ${root} 2>/dev/null)
left() { df -Pk "$root" 2>/dev/null | sed -n '$s/.* \\([0-9][0-9]*\\)  *[0-9]*% .*/\\1/p'; }
before=$(left)
${removeOld(engine, scope, { retire: [], ...excess })}
after=$(left)
[ -z "$before" ] || [ -z "$after" ] || echo freed "$((after - before))"`
}
