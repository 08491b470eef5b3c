import type { Engine, Service } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { authFile, exits, hostEntry, plainHttp, pullName, withPrivateLogin } from './engine.ts'
import { labelWords } from './proxy.ts'
import { lines, type Script, sh, type Word } from './script.ts'

export type Login = { key: string; username: string; password: Secret }

type Build = NonNullable<Service['build']>

export type BuildOptions = {
  names: readonly string[]
  /** The folder, where it is built. */
  context: string
  platform: string | undefined
  noCache: boolean
  labels: Readonly<Record<string, string>>
  secrets: readonly Secret[]
  /** A configuration of the engine with our logins in it. */
  login: Secret | undefined
}

/**
 * Builds an image. BuildKit is used where it is: in the buildx plug-in, or built into Docker clients
 * before 23; a newer client without the plug-in only has the old builder, which knows neither secrets nor SSH mounts.
 */
export function buildImage(engine: Engine, build: Build, options: BuildOptions): Script {
  const words: Word[] = [
    ...options.names.flatMap(name => ['-t', name]),
    ...(build.dockerfile ? ['-f', `${options.context}/${build.dockerfile}`] : []),
    ...(options.platform ? ['--platform', options.platform] : []),
    ...(build.target ? ['--target', build.target] : []),
    ...(options.noCache ? ['--no-cache'] : []),
    ...Object.entries(build.args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...labelWords(options.labels),
    ...build.ssh.flatMap(entry => ['--ssh', entry]),
  ]
  const mounts = options.secrets.map(secret => sh`--secret ${`id=${secret.name},src=`}"$private"/${secret.name}`)
  return sh`make_private
${options.secrets.map(secret => sh`printf '%s' ${secret} >"$private"/${secret.name}`)}
${engine === 'docker' ? dockerBuilder(build, options) : podmanBuilder(options)}
interruptible "$@" ${words} ${joined(mounts)} ${options.context}`
}

function dockerBuilder({ ssh }: Build, { login, secrets }: BuildOptions): Script {
  return sh`${login ? useLogin(login) : sh`set -- docker`}
major=$("$@" version --format '{{.Client.Version}}' 2>/dev/null)
if "$@" buildx version >/dev/null 2>&1; then set -- "$@" buildx build --load
elif [ "\${major%%.*}" -lt 23 ]; then export DOCKER_BUILDKIT=1; set -- "$@" build
else
  ${secrets.length + ssh.length > 0 ? sh`exit ${exits.noBuildKit}` : sh`:`}
  export DOCKER_BUILDKIT=0
  set -- "$@" build --force-rm
fi`
}

function podmanBuilder({ login }: BuildOptions): Script {
  if (!login) return sh`set -- podman build`
  return sh`printf '%s' ${login} >"$private"/config.json
set -- podman build --authfile "$private"/config.json`
}

/** Pushes under another name, by which its registry can be reached there; the image has that name only meanwhile. */
export function pushImageAs(engine: Engine, name: string, other: string): Script {
  return sh`${engine} tag ${name} ${other} || exit
on_exit() { ${engine} rmi ${other} >/dev/null; }
${pushImage(engine, other, undefined)}`
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
function useLogin(login: Secret): Script {
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

/** Takes what `saveImage` has written, from descriptor 3, and says which image that is. */
export function loadImage(engine: Engine, name: string): Script {
  return lines(
    sh`echo ready
${engine} load -q <&3 >/dev/null || exit`,
    findImages(engine, [name]),
  )
}

function joined(scripts: readonly Script[]): Script {
  return scripts.reduce((all, one) => sh`${all} ${one}`, sh``)
}
