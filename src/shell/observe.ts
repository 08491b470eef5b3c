import type { Engine } from '../config/config.ts'
import { listContainers, requireEngine } from './engine.ts'
import { requireNoneElsewhere } from './engine-used.ts'
import { labels, proxyContainer, stateFolder } from './names.ts'
import { readProxy } from './proxy.ts'
import { readRootless } from './rootless.ts'
import { type Script, sh } from './script.ts'

/**
 * Everything a server can be asked, in one round trip: lines of a word and JSON (deploy/observe.ts reads them). A proxy
 * that should run and does not is started, because only it knows which slots are live; where that fails there is none,
 * and a deploy makes a new one. It is asked meanwhile, and its lines wait in a file: two writers at once would break into
 * each other's lines. A file that a full disk has cut short has no newline, and gets one, so that it does not spoil the
 * next.
 */
export function observe(engine: Engine, scope: string): Script {
  return sh`${stateFolder(scope)}
${requireEngine(engine)}
echo "engine $version"
${readRootless(engine)}
proxy=$(${engine} inspect --type container --format '{{.State.Running}} {{index .Config.Labels "jiji.proxy"}}' ${proxyContainer} 2>/dev/null)
running=
case $proxy in
  true*) running=1 ;;
  false*) ${engine} start ${proxyContainer} >/dev/null 2>&1 && running=1 ;;
esac
[ -z "$running" ] || echo "proxy \${proxy#* }"
make_private
[ -z "$running" ] || ${readProxy(engine)} >"$private"/proxy &
reading=$!
${listContainers(engine, labels.project)}
${requireNoneElsewhere(engine, scope)}
${listKept(engine)}
for file in "$state"/releases/*.json; do [ ! -f "$file" ] || { printf 'release '; cat "$file"; echo; }; done
[ ! -f "$state/current" ] || { printf 'current '; cat "$state/current"; echo; }
[ ! -f "$state/lock/owner" ] || { printf 'lock '; cat "$state/lock/owner"; echo; }
wait "$reading"
[ ! -f "$private"/proxy ] || cat "$private"/proxy`
}

/**
 * Lines `kept CONTAINER IMAGE`, for every container that could be made again as it was; without an image where that is
 * gone, which the engine need not be asked while the container is there. `$containers` is what is there.
 */
function listKept(engine: Engine): Script {
  return sh`for folder in "$state"/files/*; do
  [ -f "$folder"/exports ] || continue
  name=\${folder##*/}
  image=$(cat "$folder"/image 2>/dev/null)
  case $containers in
    *'"name":"'"$name"'"'* | *'"name":"/'"$name"'"'*) ;;
    *) [ -n "$image" ] && ${engine} image inspect "$image" >/dev/null 2>&1 || image= ;;
  esac
  echo "kept $name $image"
done`
}
