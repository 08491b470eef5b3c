import type { ServiceStatus } from '../deploy/status.ts'
import type { Table } from './table.ts'

/** What servers serve when a release has failed; those that serve the same share a row. */
export function servingTable(services: readonly ServiceStatus[]): Table {
  const servers = [...new Set(services.map(({ server }) => server))]
  const serving = new Map<string, string[]>()
  for (const server of servers) {
    const words = services.filter(one => one.server === server).map(wordsFor)
    const text = [...new Set(words)].join(', ')
    serving.set(text, [...(serving.get(text) ?? []), server])
  }
  return { head: ['serves now', 'on'], rows: [...serving].map(([text, names]) => [text, names.join(', ')]) }
}

function wordsFor({ service, version, state, health, reason }: ServiceStatus): string {
  if (state === 'unreachable' || state === 'unknown') return `${service}: not known`
  if (version === undefined) return `${service}: nothing`
  return health === 'down' ? `${service}: nothing, ${version} ${reason ?? state}` : `${service} ${version}`
}
