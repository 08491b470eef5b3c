import type { Engine } from '../config/config.ts'
import { registryHost } from '../config/registry-key.ts'
import { basicAuth, hostEntry } from './engine.ts'
import type { Login } from './images.ts'
import { type Script, sh } from './script.ts'

/**
 * The body of a function that stores a login where the engine itself looks for it later. Podman's own default vanishes with the session, so its
 * file is the one that it also reads and that stays. Docker takes one newline off the password, and Podman all of them:
 * a password of several lines is put into Podman's file by hand.
 */
export function logIn(engine: Engine, { key, username, password }: Login): Script {
  if (engine === 'podman') {
    return sh`${podmanAuthFile}
mkdir -p "\${file%/*}" || return
${/[\r\n]/.test(password.reveal()) ? insertIntoAuthFile({ key, username, password }) : sh`printf '%s' ${password} | podman login --authfile "$file" --username ${username} --password-stdin ${key} >/dev/null`}`
  }
  return sh`printf '%s\\n' ${password} | docker login --username ${username} --password-stdin ${registryHost(key)} >/dev/null`
}

/** The body of a function that prints `done`, or `already` where there was no login. */
export function logOut(engine: Engine, key: string): Script {
  return engine === 'docker'
    ? sh`if ${hasDockerLogin(key)}
then
  docker logout ${registryHost(key)} >/dev/null || return
  # It says so neither by its exit status nor in every version, where a helper that keeps the login does not run.
  if ${hasDockerLogin(key)}; then echo 'the login is still there: the credential helper in ~/.docker/config.json did not erase it' >&2; return 1; fi
  echo done
else said=already; echo already; fi`
    : sh`${podmanAuthFile}
if podman login --get-login --authfile "$file" ${key} >/dev/null 2>&1
then podman logout --authfile "$file" ${key} >/dev/null && echo done
else said=already; echo already; fi`
}

/** A line `held KEY USERNAME` for each key that the engine has a login for, without the name where a helper keeps it. */
export function findLogins(engine: Engine, keys: readonly string[]): Script {
  return engine === 'docker'
    ? sh`${keys.map(key => sh`if ${hasDockerLogin(key)}; then user=$(${dockerUser(key)}); echo held ${key} "$user"; fi`)}`
    : sh`${podmanAuthFile}
${keys.map(key => sh`user=$(podman login --get-login --authfile "$file" ${key} 2>/dev/null) && echo held ${key} "$user"`)}
:`
}

/** Logs in or out, and then keeps a trace of it, unless it said `already`: then nothing was changed. */
export function recorded(script: Script, record: { done: Script; failed: Script }): Script {
  return sh`said=
attempt() {
${script}
}
attempt
status=$?
case $status$said in
  0already) ;;
  0) (${record.done}
  ) ;;
  *) (${record.failed}
  ) ;;
esac
exit "$status"`
}

/** An entry of `auths`, as opposed to the name of a helper for the same host. */
function hasDockerLogin(key: string): Script {
  const entry = `"${hostEntry('docker', key)}"`
  return sh`grep -qF -e ${`${entry}: {`} -e ${`${entry}:{`} "\${DOCKER_CONFIG:-$HOME/.docker}/config.json" 2>/dev/null`
}

/** Prints whose an entry is, which Docker itself does not tell: what is before the colon in its base64. */
function dockerUser(key: string): Script {
  const entry = `"${hostEntry('docker', key)}":{"auth":"`.replace(/[.[\]]/g, '\\$&')
  return sh`tr -d '[:space:]' <"\${DOCKER_CONFIG:-$HOME/.docker}/config.json" | sed -n ${`s|.*${entry}\\([^"]*\\)".*|\\1|p`} | base64 -d 2>/dev/null | cut -d : -f 1`
}

const podmanAuthFile = sh`file=\${REGISTRY_AUTH_FILE:-\${XDG_CONFIG_HOME:-$HOME/.config}/containers/auth.json}`

/**
 * Podman itself writes the file, each key on a line of its own; a file of any other shape is left as it is. What is
 * made replaces the old file only once Podman has read the login back.
 */
function insertIntoAuthFile({ key, username, password }: Login): Script {
  const auth = basicAuth({ username, password })
  return sh`make_private
[ -s "$file" ] || printf '{\\n\\t"auths": {}\\n}\\n' >"$file" || return
podman logout --authfile "$file" ${key} >/dev/null 2>&1
{ printf '\\t\\t"%s": {\\n\\t\\t\\t"auth": "' ${key}; printf '%s' ${auth}; printf '"\\n\\t\\t}'; } >"$private/entry"
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    '	"auths": {') printf '%s\\n' "$line"; cat "$private/entry"; printf ',\\n' ;;
    '	"auths": {}' | '	"auths": {},') printf '\\t"auths": {\\n'; cat "$private/entry"; printf '\\n\\t}%s\\n' "\${line#*\\}}" ;;
    *) printf '%s\\n' "$line" ;;
  esac
done <"$file" >"$private/auth.json"
user=$(podman login --get-login --authfile "$private/auth.json" ${key} 2>/dev/null)
[ "$user" = ${username} ] || {
  echo "$file has another shape than Podman gives it, and was left as it is" >&2
  return 1
}
cat "$private/auth.json" >"$file.jiji" && mv "$file.jiji" "$file"`
}
