import type { Engine } from '../config/config.ts'
import { proxyContainer } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * Lines `certificate HOST PEM`, with the PEM's newlines as commas: the certificates that the proxy has stored for these
 * hosts, or was given in a file. The first one of a file is the host's own; those after it are the authority's.
 */
export function readCertificates(engine: Engine, hosts: readonly { host: string; file?: string }[]): Script {
  const read = `show() { [ ! -f "$2" ] || echo "certificate $1 $(sed '/END CERTIFICATE/q' "$2" | tr '\\n' ,)"; }
while [ $# -gt 1 ]; do
  if [ -n "$2" ]; then show "$1" "$2"; else
    for file in /data/caddy/certificates/*/"$1"/"$1".crt; do show "$1" "$file"; done
  fi
  shift 2
done`
  return sh`${engine} exec ${proxyContainer} sh -c ${read} sh ${hosts.flatMap(({ host, file = '' }) => [folderOf(host), file])}`
}

/** Caddy's name for a host's folder. */
function folderOf(host: string): string {
  return host.toLowerCase().replace('*', 'wildcard_')
}
