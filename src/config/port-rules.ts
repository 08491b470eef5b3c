import { grouped } from './grouped.ts'
import type { Finding } from './issues.ts'
import type { Settings } from './schema.ts'

/** A port of a server, and who wants it. */
type Claim = { server: string; address: string; port: number; protocol: string; by: string; path: (string | number)[] }

/** A port of a server can be held by one: a service, or the proxy where there are routes. */
export function portRules(settings: Settings): Finding[] {
  const rivalsOf = grouped(({ server, port, protocol }: Claim) => `${server} ${port} ${protocol}`)
  for (const claim of proxyClaims(settings)) rivalsOf(claim).push(claim)
  const found = new Map<string, Finding>()
  for (const claim of serviceClaims(settings)) {
    const rivals = rivalsOf(claim)
    const rival = rivals.find(other => isSameAddress(claim, other))
    rivals.push(claim)
    if (!rival) continue
    const own = claim.by === rival.by ? 'this service' : rival.by
    const message = `port ${claim.port} of ${claim.server} is taken already by ${own}`
    const hint = `give one of them another port, or another server; see ${rival.path.join('.')}`
    const key = claim.path.join('.')
    if (!found.has(key)) found.set(key, { path: claim.path, at: 'value', code: 'conflict', message, hint })
  }
  return [...found.values()]
}

function isSameAddress(one: Claim, other: Claim): boolean {
  return one.address === other.address || [one.address, other.address].includes('0.0.0.0')
}

function proxyClaims({ services, proxy }: Settings): Claim[] {
  const routed = new Set(Object.values(services).flatMap(service => (service.proxy ? service.hosts : [])))
  const ports = [
    { port: proxy.http_port, protocol: 'tcp', path: ['proxy', 'http_port'] },
    { port: proxy.https_port, protocol: 'tcp', path: ['proxy', 'https_port'] },
    { port: proxy.https_port, protocol: 'udp', path: ['proxy', 'https_port'] },
  ]
  return [...routed].flatMap(server => ports.map(one => ({ ...one, server, address: '0.0.0.0', by: 'the proxy' })))
}

function serviceClaims({ services }: Settings): Claim[] {
  return Object.entries(services).flatMap(([name, { ports, hosts }]) =>
    ports.flatMap((written, index) => {
      const wanted = publishedPort(written)
      if (!wanted) return []
      const path = ['services', name, 'ports', index]
      return [...new Set(hosts)].map(server => ({ ...wanted, server, by: `the service ${name}`, path }))
    }),
  )
}

/** Of `[IP:]HOST_PORT:PORT[/udp]`; undefined where the engine picks the port of the server. */
export function publishedPort(written: string): Pick<Claim, 'address' | 'port' | 'protocol'> | undefined {
  const [, address = '0.0.0.0', port, protocol = 'tcp'] = /^(?:([\d.]+):)?(\d+):\d+(?:\/(\w+))?$/.exec(written) ?? []
  return port === undefined ? undefined : { address, port: Number(port), protocol }
}
