import type { Engine } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { authFile, hostEntry, plainHttp, pullName, withPrivateLogin } from './engine.ts'
import { lines, type Script, sh } from './script.ts'

export type Login = { key: string; username: string; password: Secret }

/** Pushes under another name, by which its registry can be reached there; the image has that name only meanwhile. */
export function pushImageAs(engine: Engine, name: string, other: string, login?: Secret): Script {
  return sh`${engine} tag ${name} ${other} || exit
on_exit() { ${engine} rmi ${other} >/dev/null; }
${pushImage(engine, other, login)}`
}

/** Pushes what was built, and prints the line `digest DIGEST` for each digest known under that name. */
export function pushImage(engine: Engine, name: string, login: Secret | undefined): Script {
  const repository = name.replace(/:[^:/]*$/, '')
  if (engine === 'podman') {
    return sh`make_private
${login ? sh`printf '%s' ${login} >"$private"/config.json` : sh`:`}
interruptible podman push --digestfile "$private"/digest ${plainHttp(engine, name)} ${login ? sh`--authfile "$private"/config.json` : sh``} ${name} || exit
echo "digest $(cat "$private"/digest)"`
  }
  return sh`${login ? useLogin(login) : sh`set -- docker`}
interruptible "$@" push ${name} || exit
docker image inspect --format ${`{{range .RepoDigests}}{{println "digest" .}}{{end}}`} ${name} | sed -n ${`s|^digest ${repository}@|digest |p`}`
}

/** A private Docker configuration beside which the user's own contexts, plug-ins and builders are found. */
export function useLogin(login: Secret): Script {
  return sh`[ -n "$private" ] || make_private
[ -n "$DOCKER_HOST$DOCKER_CONTEXT" ] || export DOCKER_CONTEXT="$(docker context inspect --format '{{.Name}}' 2>/dev/null)"
printf '%s' ${login} >"$private"/config.json
for folder in contexts cli-plugins buildx; do
  [ ! -d "\${DOCKER_CONFIG:-$HOME/.docker}/$folder" ] || ln -s "\${DOCKER_CONFIG:-$HOME/.docker}/$folder" "$private/$folder"
done
set -- docker --config "$private"`
}

export type Pull = {
  service: string
  /** Where this server gets it: `ghcr.io/you/app/web@sha256:…`, `127.0.0.1:9270/app-web@sha256:…`, `redis:7`. */
  source: string
  /** The name it gets here, and runs under. */
  name: string
  login: Login | undefined
}

/**
 * Pulls images one after the other; the credential of each is on tmpfs while its pull runs. Lines `pulled SERVICE`,
 * or `there SERVICE` when nothing had to be fetched; the failing one's service is in the line `failed SERVICE`.
 */
export function pullImages(engine: Engine, pulls: readonly Pull[]): Script {
  return sh`${pulls.some(pull => pull.login) ? sh`make_private; ${withPrivateLogin(engine).prepare}` : sh`:`}
${pulls.map(pull => pullImage(engine, pull))}`
}

function pullImage(engine: Engine, { service, source, name, login }: Pull): Script {
  const { command, options } = login ? withPrivateLogin(engine) : { command: sh`${engine}`, options: sh`` }
  const isPinned = source.includes('@')
  return sh`if ${isPinned ? sh`${engine} image inspect ${source} >/dev/null 2>&1` : sh`false`}; then echo ${`there ${service}`}
else
  ${login ? sh`printf '%s' ${authFile(hostEntry(engine, login.key), login)} >"$private"/config.json` : sh`:`}
  interruptible ${command} pull -q ${options} ${plainHttp(engine, source)} ${pullName(engine, source)} >/dev/null || { status=$?; echo ${`failed ${service}`}; exit "$status"; }
  echo ${`pulled ${service}`}
fi
${isPinned ? sh`${engine} tag ${source} ${name} || exit` : sh`:`}
printf 'digest %s ' ${service}
${engine} image inspect --format '{{json .RepoDigests}}' ${name}`
}

/** Lines `image NAME ID` for those of these images that the engine has. */
export function findImages(engine: Engine, names: readonly string[]): Script {
  return sh`${names.map(name => sh`id=$(${engine} image inspect --format '{{.Id}}' ${name} 2>/dev/null) && echo image ${name} "$id"`)}
:`
}

/** Writes an image to stdout, with all of its layers. */
export function saveImage(engine: Engine, name: string): Script {
  return sh`interruptible ${engine} save ${name}`
}

/** Takes what `saveImage` has written, from descriptor 3, under the name that it is to have here, and says which image that is. */
export function loadImage(engine: Engine, name: string, saved = name): Script {
  return lines(
    sh`echo ready
${engine} load -q <&3 >/dev/null || exit`,
    saved === name ? sh`:` : sh`${engine} tag ${saved} ${name} && ${engine} rmi ${saved} >/dev/null || exit`,
    findImages(engine, [name]),
  )
}
