import type { Finding } from './issues.ts'
import type { Settings } from './schema.ts'
import { unknownServer } from './unknown-server.ts'

/** A server's `seed`: another server that is reached over SSH too, and not one that waits for this one. */
export function seedRules(settings: Settings): Finding[] {
  return Object.entries(settings.servers).flatMap(([name, { seed, host }]): Finding[] => {
    if (!seed) return []
    const path = ['servers', name, 'seed']
    const conflict = (message: string, hint: string): Finding[] => [
      { path, at: 'value', code: 'conflict', message, hint },
    ]
    const unknown = unknownServer(path, seed, settings)
    if (unknown.length > 0) return unknown
    if (settings.builder.registry.server)
      return conflict('only images of a local registry are handed on', 'remove `seed`: servers pull from the registry')
    if (host === 'local') return conflict('this machine has what it builds', 'remove `seed`')
    if (settings.servers[seed]?.host === 'local')
      return conflict(`${seed} is this machine, where images come from anyway`, 'write seed: false')
    if (seed === name) return conflict('a server cannot be its own seed', 'name another one, or write seed: false')
    const [own, others] = [settings.servers[name]?.arch, settings.servers[seed]?.arch]
    if (own && others && own !== others)
      return conflict(`${seed} is ${others}, and has no image for ${own}`, 'name another one, or write seed: false')
    const circle = circleFrom(name, settings.servers)
    if (!circle) return []
    return conflict(
      `the seeds go in a circle: ${circle.join(' → ')}`,
      'one of them must get its images from here: remove its `seed`, or write seed: false',
    )
  })
}

/** From a server over its seeds back to itself, if that is where they lead. */
function circleFrom(name: string, servers: Settings['servers']): string[] | undefined {
  const trail = [name]
  for (let next = servers[name]?.seed; next; next = servers[next]?.seed) {
    trail.push(next)
    if (next === name) return trail
    if (trail.length > Object.keys(servers).length) return undefined
  }
  return undefined
}
