import type { Engine } from '../config/config.ts'
import { proxyContainer } from './names.ts'
import { type Script, sh } from './script.ts'

/**
 * Lines `certificate HOST PEM`, with the PEM's newlines as commas: the certificates that the proxy has stored for these
 * hosts. The first one of a file is the host's own; those after it are the authority's.
 */
export function readCertificates(engine: Engine, hosts: readonly string[]): Script {
  const read = `cd /data/caddy/certificates 2>/dev/null || exit 0
for host; do
  for file in */"$host"/"$host".crt; do
    [ -f "$file" ] && echo "certificate $host $(sed '/END CERTIFICATE/q' "$file" | tr '\\n' ,)"
  done
done
exit 0`
  return sh`${engine} exec ${proxyContainer} sh -c ${read} sh ${hosts.map(folderOf)}`
}

/** Caddy's name for a host's folder. */
function folderOf(host: string): string {
  return host.toLowerCase().replace('*', 'wildcard_')
}
