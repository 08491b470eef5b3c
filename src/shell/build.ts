import type { Engine, Service } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { exits } from './engine.ts'
import { useLogin } from './images.ts'
import { labelWords } from './proxy.ts'
import { type Script, sh, type Word } from './script.ts'

type Build = NonNullable<Service['build']>

/** A cache outside of the engine. A `ref` is a repository for Podman, and a name with a tag for Docker. */
export type BuildCache = { type: 'inline' | 'registry'; ref: string } | { type: 'gha'; scope: string }

export type BuildOptions = {
  names: readonly string[]
  /** The folder, where it is built. */
  context: string
  platform: string | undefined
  /** An architecture that the builder itself is not, if the image is for such a one. */
  foreign: string | undefined
  noCache: boolean
  cache: (BuildCache & { isWritten: boolean; tokens: readonly Secret[] }) | undefined
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
build() { interruptible "$@" ${words} ${joined(mounts)} ${options.context}${options.foreign ? sh` || { status=$?; ${requireEmulator(options.foreign)}; exit "$status"; }` : sh` || exit`}; }
build "$@"
${requirePlatform(engine, options)}`
}

/**
 * Ends the script, with a status of its own, unless the image is for what was asked for. The old builder of Docker (seen
 * with 20.10) and Podman (seen with 4.3, for a Dockerfile that begins FROM scratch) forget what the layers that they keep
 * are for: they get a second try without them.
 */
function requirePlatform(engine: Engine, { platform, names: [name = ''] }: BuildOptions): Script {
  const arch = platform?.replace(/^linux\//, '')
  if (!arch) return sh`:`
  return sh`isMeant() {
  arch=$(${engine} image inspect --format '{{.Architecture}}' ${name})
  [ "$arch" = ${arch} ]
}
isMeant || ${engine === 'docker' ? sh`[ "$DOCKER_BUILDKIT" != 0 ] || ` : sh``}build "$@" --no-cache
isMeant || exit ${exits.otherArch}`
}

function dockerBuilder({ ssh }: Build, options: BuildOptions): Script {
  const { login, secrets, cache } = options
  return sh`${login ? useLogin(login) : sh`set -- docker`}
${(cache?.tokens ?? []).map(token => sh`export ${token.name}=${token}`)}
major=$("$@" version --format '{{.Client.Version}}' 2>/dev/null)
if "$@" buildx version >/dev/null 2>&1; then
  ${cache && cache.type !== 'inline' ? requireCacheWriter : sh`:`}
  set -- "$@" buildx build --load ${buildxCache(options)}
elif [ "\${major%%.*}" -lt 23 ]; then
  ${cache && cache.type !== 'inline' ? sh`exit ${exits.noBuildx}` : sh`:`}
  export DOCKER_BUILDKIT=1
  set -- "$@" build ${builtInCache(options)}
else
  ${cache ? sh`exit ${exits.noBuildx}` : sh`:`}
  ${secrets.length + ssh.length > 0 ? sh`exit ${exits.noBuildKit}` : sh`:`}
  export DOCKER_BUILDKIT=0
  set -- "$@" build --force-rm
fi`
}

/** The driver of buildx that Docker begins with writes no cache but inline, unless images are in containerd's store. */
const requireCacheWriter = sh`if "$@" buildx inspect 2>/dev/null | grep -q '^Driver: *docker$'; then
    "$@" info --format '{{json .DriverStatus}}' 2>/dev/null | grep -q io.containerd.snapshotter || exit ${exits.noCacheWriter}
  fi`

function buildxCache({ cache, noCache }: BuildOptions): Word[] {
  if (!cache) return []
  const read = cache.type === 'gha' ? `type=gha,scope=${cache.scope}` : `type=registry,ref=${cache.ref}`
  const written = cache.type === 'inline' ? 'type=inline' : `${read},mode=max`
  return [...(noCache ? [] : ['--cache-from', read]), ...(cache.isWritten ? ['--cache-to', written] : [])]
}

/** BuildKit in Docker itself. */
function builtInCache({ cache, noCache }: BuildOptions): Word[] {
  if (cache?.type !== 'inline') return []
  return ['--build-arg', 'BUILDKIT_INLINE_CACHE=1', ...(noCache ? [] : ['--cache-from', cache.ref])]
}

function podmanBuilder({ login, cache, noCache }: BuildOptions): Script {
  const ref = cache?.type === 'registry' ? cache.ref : undefined
  const words = [
    ...(ref && !noCache ? ['--cache-from', ref] : []),
    ...(ref && cache?.isWritten ? ['--cache-to', ref] : []),
  ]
  return sh`${ref ? sh`podman build --help 2>/dev/null | grep -q -e '--cache-to' || exit ${exits.noCacheWriter}` : sh`:`}
${login ? sh`printf '%s' ${login} >"$private"/config.json` : sh`:`}
set -- podman build ${login ? sh`--authfile "$private"/config.json` : sh``} ${ref ? ['--layers', ...words] : []}`
}

/** Ends the script, with a status of its own, on a Linux that has nothing to run programs of another architecture with. */
function requireEmulator(arch: string): Script {
  const machine = arch === 'arm64' ? 'aarch64' : 'x86_64'
  return sh`[ ! -d /proc/sys/fs ] || cat /proc/sys/fs/binfmt_misc/* 2>/dev/null | grep -q -e ${`qemu-${machine}`} -e rosetta || exit ${exits.noEmulator}`
}

function joined(scripts: readonly Script[]): Script {
  return scripts.reduce((all, one) => sh`${all} ${one}`, sh``)
}
