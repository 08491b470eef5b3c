import type { Finding } from './issues.ts'
import { nearest } from './nearest.ts'
import type { Settings } from './schema.ts'
import { networkOwner } from './shared-network.ts'

type Service = Settings['services'][string]

/** A service that shares the network of another's container: which one that can be, and what is then that one's to say. */
export function sharedNetworkRules(name: string, service: Service, settings: Settings): Finding[] {
  const owner = networkOwner(service)
  if (owner === undefined) return []
  const wrong = ownerProblem(name, owner, settings)
  if (wrong.length > 0) return wrong
  return [...placeRules(name, service, owner, settings), ...ownersToSay(name, service, owner)]
}

function ownerProblem(name: string, owner: string, { services }: Settings): Finding[] {
  const at = { path: ['services', name, 'network_mode'], at: 'value' } as const
  const conflict = (message: string, hint: string): Finding[] => [{ ...at, code: 'conflict', message, hint }]
  if (owner === name) return conflict('a service cannot share its own network', 'remove `network_mode`')
  if (!Object.hasOwn(services, owner)) {
    const known = Object.keys(services).filter(one => one !== name)
    const meant = nearest(owner, known)
    const hint = meant ? `did you mean service:${meant}?` : `declared under services: ${known.join(', ')}`
    return [{ ...at, code: 'unknown-service', message: `there is no service ${owner}`, hint }]
  }
  if (services[owner]?.network_mode === 'host')
    return conflict(`${owner} is on the network of the server`, 'write network_mode: host here too')
  const next = networkOwner(services[owner])
  if (next === undefined) return []
  const hint = next === name ? 'one of the two must have a network of its own' : `write service:${next}`
  return conflict(`${owner} has no network of its own: it shares that of ${next}`, hint)
}

/** One container of each, side by side on each of the servers. */
function placeRules(name: string, { hosts, replicas }: Service, owner: string, { services }: Settings): Finding[] {
  const others = services[owner]?.hosts ?? []
  const single = (service: string, count: number | undefined): Finding[] =>
    (count ?? 1) === 1
      ? []
      : [
          {
            path: ['services', service, 'replicas'],
            at: 'value',
            code: 'conflict',
            message: `${name} shares the network of one container of ${owner}`,
            hint: `remove it, or remove \`network_mode\` of ${name}`,
          },
        ]
  const away = hosts.flatMap((host, index): Finding[] => {
    if (others.includes(host)) return []
    const message = `${owner}, whose network ${name} shares, does not run on ${host}`
    const hint = `add it to services.${owner}.hosts, or remove it here`
    return [{ path: ['services', name, 'hosts', index], at: 'value', code: 'conflict', message, hint }]
  })
  return [...away, ...single(name, replicas), ...single(owner, services[owner]?.replicas)]
}

/** Options of the engine that are about the network of a container. */
const networkOptions = ['dns', 'dns-opt', 'dns-option', 'dns-search', 'domainname', 'expose', 'hostname', 'ip', 'ip6']
const moreNetworkOptions = ['link', 'link-local-ip', 'mac-address', 'no-hosts', 'uts']

function ownersToSay(name: string, service: Service, owner: string): Finding[] {
  const { ports, proxy, extra_hosts, hooks, options } = service
  const conflict = (key: string[], message: string, hint: string): Finding[] => [
    { path: ['services', name, ...key], at: 'key', code: 'conflict', message, hint },
  ]
  const shared = `the network is that of ${owner}`
  const its = `services.${owner}`
  const given = Object.keys(options).filter(one => [...networkOptions, ...moreNetworkOptions].includes(one))
  return [
    ...(ports.length > 0 ? conflict(['ports'], shared, `write them at ${its}.ports`) : []),
    ...(proxy ? conflict(['proxy'], shared, `write it at ${its}.proxy, as one of its \`targets\`, perhaps`) : []),
    ...(extra_hosts.length > 0 ? conflict(['extra_hosts'], shared, `write them at ${its}.extra_hosts`) : []),
    ...(hooks.pre_deploy
      ? conflict(['hooks', 'pre_deploy'], `there is no network yet when it runs: ${shared}`, `write it at ${its}.hooks`)
      : []),
    ...given.flatMap(one => conflict(['options', one], shared, `write it at ${its}.options`)),
  ]
}
