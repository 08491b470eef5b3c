import type { Finding } from './issues.ts'
import { nearest } from './nearest.ts'
import type { Settings } from './schema.ts'

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
    if (order.indexOf(name) === index) return []
    return [{ ...place, code: 'conflict', message: `${name} stands there twice`, hint: 'remove one of the two' }]
  })
}
