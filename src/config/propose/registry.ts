import type { AuthKind } from '../auth-kinds.ts'
import { mintCommand } from '../auth-kinds.ts'
import type { Draft } from '../draft.ts'
import { registryHost, registryKey } from '../registry-key.ts'

/** What stands for a user name that is not known. */
export const userPlaceholder = 'your-name'

/**
 * A registry as `builder.registry` has it, with the kind of credential that its host usually takes.
 * @throws JijiError config.invalid when it is no name of a registry
 */
export function proposeRegistry(written: string | undefined, owner: string | undefined): Draft {
  if (written === undefined || /^(local|none)$/.test(written)) return { type: 'local' }
  const server = registryKey(written)
  const host = registryHost(server)
  const minted = (['aws-ecr', 'azure-acr'] as const).find((kind: AuthKind) => mintCommand(kind, host) !== undefined)
  if (minted) return { server, auth: minted }
  if (mintCommand('gcp-access-token', host)) return { server, auth: 'gcp-service-account', key: 'GCP_KEY' }
  const namespace = server.slice(host.length + 1).split('/')[0]
  const username = namespace || (host === 'ghcr.io' && owner) || userPlaceholder
  const passwords: Record<string, string> = { 'ghcr.io': 'GITHUB_TOKEN', 'docker.io': 'DOCKERHUB_TOKEN' }
  return { server, username, password: passwords[host] ?? 'REGISTRY_PASSWORD' }
}
