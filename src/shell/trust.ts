import type { Engine } from '../config/config.ts'
import { type Script, sh } from './script.ts'

/**
 * The line `clock SECONDS`, then for each registry the line `host HOST` and the certificates of the authorities that
 * the engine trusts for it alone.
 */
export function readTrust(engine: Engine, hosts: readonly string[]): Script {
  return sh`echo "clock $(date +%s)"
${hosts.map(host => readAuthorities(engine, host))}`
}

function readAuthorities(engine: Engine, host: string): Script {
  const folders = ['/etc/docker/certs.d', ...(engine === 'podman' ? ['/etc/containers/certs.d'] : [])]
  const own = engine === 'podman' ? 'containers/certs.d' : 'docker/certs.d' // of a rootless engine
  return sh`echo ${`host ${host}`}
for folder in ${folders} "\${XDG_CONFIG_HOME:-$HOME/.config}"/${own}; do
  for file in "$folder"/${host}/*.crt; do [ ! -r "$file" ] || { cat "$file"; echo; }; done
done`
}

/** The authorities that the system trusts. */
export function readBundle(): Script {
  return sh`for file in ${bundles}; do [ ! -r "$file" ] || { cat "$file"; exit; }; done`
}

const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * By which ways an engine reaches registries: one JSON object on a line, where it can be known. The environment is
 * that of this session, which Podman shares and Docker's daemon does not.
 */
export function readWays(engine: Engine): Script {
  return engine === 'docker'
    ? sh`docker info --format '{"proxy":{{json .HTTPSProxy}},"without":{{json .NoProxy}},"registries":{{json .RegistryConfig}}}' 2>/dev/null`
    : sh`[ -z "$HTTPS_PROXY$https_proxy" ] || echo proxy
podman info --format '{"mirrored":{{json .Registries}}}' 2>/dev/null`
}
