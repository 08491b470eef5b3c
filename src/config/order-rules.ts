import type { Finding } from './issues.ts'
import { nearest } from './nearest.ts'
import type { Settings } from './schema.ts'
import { networkOwner } from './shared-network.ts'

/** `deploy.order`: services that there are, each of them once. */
export function orderRules({ deploy: { order }, services }: Settings): Finding[] {
  const known = Object.keys(services)
  return order.flatMap((name, index): Finding[] => {
    const place = { path: ['deploy', 'order', index], at: 'value' } as const
    if (!Object.hasOwn(services, name)) {
      const meant = nearest(name, known)
      const hint = meant ? `did you mean ${meant}?` : `declared under services: ${known.join(', ')}`
      return [{ ...place, code: 'unknown-service', message: `there is no service ${name}`, hint }]
    }
    const owner = networkOwner(services[name])
    if (owner !== undefined) {
      const message = `${name} is replaced together with ${owner}, whose network it shares`
      return [{ ...place, code: 'conflict', message, hint: `remove it here: the place of ${owner} is its own` }]
    }
    if (order.indexOf(name) === index) return []
    return [{ ...place, code: 'conflict', message: `${name} stands there twice`, hint: 'remove one of the two' }]
  })
}
