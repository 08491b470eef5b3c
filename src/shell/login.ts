import type { Engine } from '../config/config.ts'
import { registryHost } from '../config/registry-key.ts'
import type { Login } from './images.ts'
import { type Script, sh } from './script.ts'

/**
 * Stores a login where the engine itself looks for it later. Podman's own default vanishes with the session, so its
 * file is the one that it also reads and that stays.
 */
export function logIn(engine: Engine, { key, username, password }: Login): Script {
  const host = registryHost(key)
  return engine === 'docker'
    ? sh`printf '%s' ${password} | docker login --username ${username} --password-stdin ${host} >/dev/null`
    : sh`${podmanAuthFile}
mkdir -p "\${file%/*}"
printf '%s' ${password} | podman login --authfile "$file" --username ${username} --password-stdin ${host} >/dev/null`
}

/** Prints `done`, or `already` where there was no login. */
export function logOut(engine: Engine, key: string): Script {
  const host = registryHost(key)
  return engine === 'docker'
    ? sh`grep -qF ${`"${host === 'docker.io' ? 'https://index.docker.io/v1/' : host}"`} "\${DOCKER_CONFIG:-$HOME/.docker}/config.json" 2>/dev/null || { echo already; exit 0; }
docker logout ${host} >/dev/null && echo done`
    : sh`${podmanAuthFile}
podman login --get-login --authfile "$file" ${host} >/dev/null 2>&1 || { echo already; exit 0; }
podman logout --authfile "$file" ${host} >/dev/null && echo done`
}

const podmanAuthFile = sh`file=\${REGISTRY_AUTH_FILE:-\${XDG_CONFIG_HOME:-$HOME/.config}/containers/auth.json}`
