import type { Engine } from '../config/config.ts'
import { startNothingAtBoot } from './boot.ts'
import { labels, network, proxyContainer, stateFolder } from './names.ts'
import { removeOld } from './records.ts'
import { removeLabelled, removeVolumes } from './remove.ts'
import { defineAsRoot } from './rootless.ts'
import { type Script, sh } from './script.ts'

/** Lines `image NAME`, `volume NAME` and `folder PATH`, of what a project has on a server beside its containers. */
export function listBelongings(engine: Engine, scope: string): Script {
  const mounts = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}'
  return sh`${stateFolder(scope)}
${engine} images --filter ${`label=${labels.project}=${scope}`} --format 'image {{.Repository}}:{{.Tag}}' | grep -v '<none>'
ids=$(${engine} ps -aq --filter ${`label=${labels.project}=${scope}`})
[ -z "$ids" ] || ${engine} inspect --format ${mounts} $ids | sort -u | while read -r name; do
  case $name in ${`${scope}-`}*) echo "volume $name" ;; esac
done
[ ! -d "$state" ] || echo "folder $state"`
}

type Going = {
  containers: readonly string[]
  images: readonly string[]
  volumes: readonly string[]
  isWithVolumes: boolean
  isLast: boolean
}

/** Takes all of a project off a server but the lock, and with the last one the proxy and the network. */
export function tearDown(engine: Engine, scope: string, going: Going): Script {
  const { containers, images, volumes, isWithVolumes, isLast } = going
  const takeRoutes = `cd /jiji || exit
rm -rf "sites/$1.caddy" "sites/$1.caddy.old" "live/$1" "certificates/$1"
caddy reload --config Caddyfile --adapter caddyfile`
  return sh`${stateFolder(scope)}
${engine} exec ${proxyContainer} sh -c ${takeRoutes} sh ${scope} >/dev/null 2>&1
ids=$(${engine} ps -aq --filter ${`label=${labels.run}`})
[ -z "$ids" ] || ${engine} inspect --format ${`{{.ID}} {{index .Config.Labels "${labels.run}"}}`} $ids | while read -r id run; do
  case $run in ${`${scope}/`}*) ${engine} rm -f "$id" >/dev/null ;; esac
done
${containers.length > 0 ? sh`${engine} stop ${containers} >/dev/null` : sh`:`}
${removeLabelled(engine, `${labels.project}=${scope}`)} || exit
${removeOld(engine, scope, { retire: [], containers: [], images, keep: [], releases: [] })}
ids=$(${engine} images -q --filter ${`label=${labels.project}=${scope}`})
[ -z "$ids" ] || ${engine} image rm $ids >/dev/null 2>&1
${removeVolumes(engine, isWithVolumes ? volumes : [])}
${defineAsRoot(engine)}
for one in "$state"/* "$state"/.[!.]*; do
  case $one in */lock) ;; */directories) ${isWithVolumes ? sh`as_root rm -rf "$one"` : sh`rmdir "$one" 2>/dev/null`} ;; *) rm -rf "$one" ;; esac
done
${isLast ? removeShared(engine, scope, isWithVolumes) : sh`:`}`
}

// Somebody else's first deploy may have come meanwhile.
function removeShared(engine: Engine, scope: string, isWithVolumes: boolean): Script {
  return sh`ids=$(${engine} ps -aq --filter ${`label=${labels.project}`})
[ -z "$ids" ] || exit 0
${engine} rm -f ${proxyContainer} >/dev/null 2>&1
${removeVolumes(engine, isWithVolumes ? ['jiji-proxy', 'jiji-certificates'] : [])}
${engine} network rm ${network} >/dev/null 2>&1
${startNothingAtBoot(engine, scope)}
:`
}

/** Takes the folders away that are empty when the lock is gone as well. */
export function removeEmptyState(scope: string): Script {
  return sh`${stateFolder(scope)}
rmdir "$state" "\${state%/*}" 2>/dev/null
:`
}
