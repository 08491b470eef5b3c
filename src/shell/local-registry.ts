import type { BuilderRegistry, Engine } from '../config/config.ts'
import { exits } from './engine.ts'
import { labels, registryContainer, registryVolume } from './names.ts'
import { labelWords } from './proxy.ts'
import { type Script, sh } from './script.ts'

type LocalRegistry = Extract<BuilderRegistry, { type: 'local' }>

/**
 * Starts the registry of this machine where it does not run as it should, and says `already` or `started`, and before
 * that `was IMAGE PORT` where another image or port was wanted until now. Its images live in a volume, so nothing is lost.
 *
 * All projects of this machine share the one container. Where two of them want different ports, the one that comes
 * last has it, and a deploy of the other that is running is cut off: nobody can know from here whether one is, and so it
 * is said each time.
 */
export function ensureLocalRegistry(engine: Engine, { port, image }: LocalRegistry): Script {
  const wanted = `${image} ${port}`
  return sh`${findRegistry(engine)}
[ "$found" != ${`true ${wanted}`} ] || { echo already; exit; }
interruptible ${engine} wait ${collector} >/dev/null 2>&1
case $found in
  ${`false ${wanted}`}) ${engine} start ${registryContainer} >/dev/null || exit; echo started; exit ;;
  ?*) echo was "\${found#* }" ;;
esac
${engine} image inspect ${image} >/dev/null 2>&1 || interruptible ${engine} pull -q ${image} >/dev/null || exit
ids=$(${engine} ps -aq --filter ${`label=${labels.registry}`} --filter ${`name=^${next}$`}) || exit
[ -z "$ids" ] || ${engine} rm -f $ids >/dev/null || exit
on_exit() {
  ${engine} rm -f ${next}
  case $found in true*) ${engine} start ${registryContainer} ;; esac
} >/dev/null
case $found in true*) ${engine} stop -t 5 ${registryContainer} >/dev/null || exit ;; esac
${engine} run -d --name ${next} --restart unless-stopped ${labelWords({ [labels.registry]: wanted })} -p ${`127.0.0.1:${port}:5000`} -v ${volume} -e REGISTRY_STORAGE_DELETE_ENABLED=true ${image} >/dev/null || exit
[ -z "$found" ] || ${engine} rm -f ${registryContainer} >/dev/null || exit
${engine} rename ${next} ${registryContainer} || exit
on_exit() { :; }
echo started`
}

/** Says `found RUNNING IMAGE PORT` where there is one. */
export function askLocalRegistry(engine: Engine): Script {
  return sh`${findRegistry(engine)}
[ -z "$found" ] || echo found "$found"`
}

/** What it holds stays, in its volume. */
export function removeLocalRegistry(engine: Engine): Script {
  return sh`${findRegistry(engine)}
[ -n "$found" ] || { echo already; exit; }
${engine} rm -f ${registryContainer} >/dev/null && echo done`
}

/**
 * Says what is on the disk of the registry: `port PORT`, `used KILOBYTES`, and lines `tag SECONDS PATH` and `revision SECONDS
 * PATH` with the time at which each was pushed, which nobody can ask the registry itself. Nothing where it does not run.
 */
export function readRegistryVolume(engine: Engine): Script {
  return sh`${findRegistry(engine)}
case $found in true*) echo port "\${found##* }" ;; *) exit 0 ;; esac
${engine} exec ${registryContainer} sh -c ${readVolume} || :`
}

const readVolume = `du -sk /var/lib/registry | sed 's/^/used /'
cd /var/lib/registry/docker/registry/v2/repositories || exit
find . -type f -path '*/_manifests/tags/*/current/link' -exec stat -c 'tag %Y %n' {} +
find . -type f -path '*/_manifests/revisions/*/link' -exec stat -c 'revision %Y %n' {} +`

/**
 * Gives back the room of what no image refers to any more, and says `used KILOBYTES`. What is pushed meanwhile would be
 * taken for garbage, so the registry stops, and a container beside it does the work: whoever wants the registry to run waits for
 * that one. Its name is taken first, so that there is only ever one.
 */
export function collectGarbage(engine: Engine): Script {
  return sh`${findRegistry(engine)}
case $found in true*) ;; *) exit 1 ;; esac
image=$(${engine} inspect --type container --format '{{.Image}}' ${registryContainer}) || exit
config=$(${engine} inspect --type container --format '{{range .Args}}{{println .}}{{end}}' ${registryContainer} | grep -E '[.]ya?ml$' | tail -n 1)
${engine} rm ${collector} >/dev/null 2>&1
${engine} create --name ${collector} ${labelWords({ [labels.registry]: 'garbage collection' })} -v ${volume} "$image" garbage-collect "\${config:-/etc/docker/registry/config.yml}" >/dev/null || exit
on_exit() {
  ${engine} rm -f ${collector}
  ${engine} start ${registryContainer}
} >/dev/null
${engine} stop -t 10 ${registryContainer} >/dev/null || exit
interruptible ${engine} start -a ${collector} >/dev/null || exit
${engine} rm ${collector} >/dev/null
on_exit() { :; }
${engine} start ${registryContainer} >/dev/null || exit
${engine} exec ${registryContainer} du -sk /var/lib/registry | sed 's/^/used /'`
}

const collector = `${registryContainer}-garbage`
const volume = `${registryVolume}:/var/lib/registry`

/** What is to take the container's place, until it runs. */
const next = `${registryContainer}-next`

/** Sets `$found` to `RUNNING IMAGE PORT`, or to nothing. Ends the script where the container is somebody else's. */
function findRegistry(engine: Engine): Script {
  const format = `{{.State.Running}} {{with index .Config.Labels "${labels.registry}"}}{{.}}{{else}}-{{end}}`
  return sh`found=$(${engine} inspect --type container --format ${format} ${registryContainer} 2>/dev/null)
case $found in *' -') exit ${exits.notOurs} ;; esac`
}
