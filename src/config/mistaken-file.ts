import { relative } from 'node:path'
import { kindBy } from './import/kind.ts'
import type { Finding } from './issues.ts'
import type { Layers } from './layers.ts'

/** A file that is no configuration at all: of what is wrong in it, key by key, nobody would learn that. */
export function mistakenFile({ data, files, root }: Layers): Finding | undefined {
  if (data === undefined)
    return { path: [], at: 'key', code: 'missing-key', message: 'the file is empty', hint: smallest }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined
  const has = (key: string) => Object.hasOwn(data, key)
  // A service with hosts is ours, and so is a file that names its project: something may be missing there.
  const kind = has('project') || hasServers(data) ? undefined : kindBy(has)
  if (!kind) return undefined
  const file = relative(root, files[0] ?? '')
  const aside = kind === 'compose' ? 'compose.yml' : 'kamal.yml'
  const message = `this is a file of ${kind === 'compose' ? 'Docker Compose' : 'Kamal'}, and not one of Jiji`
  const move = file.startsWith('.jiji/')
    ? `mv ${file} ${aside} && jiji init --from ${aside}`
    : `jiji init --from ${file}`
  return {
    path: [kind === 'compose' ? 'services' : 'service'],
    at: 'key',
    code: 'wrong-value',
    message,
    hint: `have it translated: ${move}`,
  }
}

/** The map of servers is what neither of the others has in that form. */
function hasServers(data: object): boolean {
  const { servers } = data as { servers?: unknown }
  if (typeof servers !== 'object' || servers === null) return false
  return Object.values(servers).some(server => typeof server === 'object' && server !== null && 'host' in server)
}

const smallest = `the smallest one, for an image that there is:
  project: myapp
  servers: {web1: {host: web1.example.com}}
  services: {web: {image: nginx:1, hosts: [web1]}}`
