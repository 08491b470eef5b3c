import type { Engine } from '../config/config.ts'
import { fullName } from '../config/image-name.ts'
import { registryHost } from '../config/registry-key.ts'
import type { Secret } from '../config/secret.ts'
import { type Script, sh, type Word } from './script.ts'

/** Exit statuses by which our scripts say what they met; engines use none of them. */
export const exits = {
  otherEngine: 80,
  otherArch: 81,
  noEmulator: 82,
  noBuildx: 83,
  noCacheWriter: 84,
  notWhole: 85,
  nothingThere: 86,
  noDetour: 87,
  hookFailed: 88,
  lockSilent: 89,
  engineMissing: 90,
  engineDenied: 91,
  engineSilent: 92,
  lockHeld: 93,
  unhealthy: 94,
  notStarted: 95,
  notSwitched: 96,
  noBuildKit: 97,
  notOurs: 98,
  lockLost: 99,
  noLinger: 100,
}

/** Ends the script, with a status of `exits`, where there is no engine that works for this user. */
export function requireEngine(engine: Engine): Script {
  return engine === 'docker'
    ? sh`command -v docker >/dev/null || exit ${exits.engineMissing}
version=$(docker version --format '{"version":{{json .Server.Version}},"arch":{{json .Server.Arch}}}') || {
  [ -z "$DOCKER_HOST" ] && [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ] && exit ${exits.engineDenied}
  exit ${exits.engineSilent}
}`
    : sh`command -v podman >/dev/null || exit ${exits.engineMissing}
version=$(podman version --format '{"version":{{json .Client.Version}},"arch":{{json .Client.OsArch}}}') || exit ${exits.engineSilent}`
}

/** How an engine calls a registry in its own files: Docker knows Docker Hub by its oldest address. */
export function hostEntry(engine: Engine, key: string): string {
  const host = registryHost(key)
  return engine === 'docker' && host === 'docker.io' ? 'https://index.docker.io/v1/' : host
}

/** A name and a password as HTTP carries them and engines store them (RFC 7617). */
export function basicAuth({ username, password }: { username: string; password: Secret }): Secret {
  return password.map(value => Buffer.from(`${username}:${value}`).toString('base64'))
}

/** What Docker and Podman both read as a stored login. */
export function authFile(entry: string, login: { username: string; password: Secret }): Secret {
  return basicAuth(login).map(auth => JSON.stringify({ auths: { [entry]: { auth } } }))
}

/**
 * Words that make the engine use the login in `$private/config.json`. Docker looks for its contexts beside that file,
 * so the engine's address, which a rootless Docker keeps in a context, is taken along.
 */
export function withPrivateLogin(engine: Engine): { prepare: Script; command: Script; options: Script } {
  return engine === 'docker'
    ? {
        prepare: sh`address=$(docker context inspect --format '{{.Endpoints.docker.Host}}')`,
        command: sh`docker --config "$private" --host "$address"`,
        options: sh``,
      }
    : { prepare: sh`:`, command: sh`podman`, options: sh`--authfile "$private/config.json"` }
}

/** A registry without TLS on a loopback address: Docker trusts it, Podman must be told. */
export function plainHttp(engine: Engine, image: string): Word[] {
  return engine === 'podman' && /^(localhost|127\.0\.0\.1):/.test(image) ? ['--tls-verify=false'] : []
}

/** What an image is pulled by: a Podman that knows no registry for short names, as Debian's, must be told Docker Hub. */
export function pullName(engine: Engine, image: string): string {
  return engine === 'podman' ? fullName(image) : image
}

/** One JSON object for a container, the same from both engines. */
const containerFormat = [
  '{"id":{{json .ID}},"name":{{json .Name}},"labels":{{json .Config.Labels}},"state":{{json .State.Status}}',
  '"running":{{.State.Running}},"startedAt":{{json .State.StartedAt}},"finishedAt":{{json .State.FinishedAt}}',
  '"exitCode":{{.State.ExitCode}},"restarts":{{.RestartCount}},"image":{{json .Image}}',
  '"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}}',
  '"isOutOfMemory":{{.State.OOMKilled}}',
  // What the image's own check said, which can be long, and is of use only where it fails.
  '"checks":{{if .State.Health}}{{if eq .State.Health.Status "unhealthy"}}{{json .State.Health.Log}}{{else}}null{{end}}{{else}}null{{end}}}',
].join(',')

/**
 * Lines `container JSON`, for every container that carries the label. One that is removed between the two questions
 * makes the second fail, and then both are asked again.
 */
export function listContainers(engine: Engine, label: string): Script {
  return sh`for try in 1 2 3; do
  ids=$(${engine} ps -aq --no-trunc --filter ${`label=${label}`}) || exit ${exits.engineSilent}
  [ -n "$ids" ] || break
  containers=$(${engine} inspect --format ${`container ${containerFormat}`} $ids) && break
  [ "$try" != 3 ] || exit ${exits.engineSilent}
done
[ -z "$ids" ] || printf '%s\\n' "$containers"`
}
