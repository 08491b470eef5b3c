import { isIPv4 } from 'node:net'
import type { Config } from '../../config/config.ts'
import { ok, problem, type Verdict, warning } from './finding.ts'
import { isLoopback } from './loopback.ts'

/** The addresses of a name; none where it has none. */
export type Lookup = (name: string) => Promise<readonly string[]>

/** A name that leads to services. */
export type Route = { host: string; ssl: boolean; servers: readonly string[] }

type Known = {
  /** What a name is here, by the name. */
  here: ReadonlyMap<string, readonly string[]>
  /** The same on the server; undefined where it cannot be asked. */
  there: ReadonlyMap<string, readonly string[]> | undefined
  /** All addresses that servers are known to have. */
  addresses: ReadonlyMap<string, readonly string[]>
  /** Whether the server is this machine. */
  isHere?: boolean
}

export function routesOf({ services }: Pick<Config, 'services'>): Route[] {
  const routes = services.flatMap(({ proxy, servers }) =>
    (proxy?.targets ?? []).flatMap(({ hosts, redirect_from, ssl }) =>
      [...hosts, ...redirect_from].map(host => ({ host: host.toLowerCase(), ssl: ssl === true, servers })),
    ),
  )
  return [...new Map(routes.map(route => [route.host, route])).values()]
}

/** No DNS need know such a name (RFC 6761). */
function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

/** Any name that a wildcard stands for. */
export function nameIn(host: string): string {
  return host.replace(/^\*/, 'jiji-doctor')
}

/** Whether a name leads to a server that serves it, by what it is here and there. */
export function judgeDns(server: string, { host, ssl, servers }: Route, known: Known): Verdict {
  const name = nameIn(host)
  if (known.isHere && isLocalhost(host)) return ok(`${host} is this machine, to browsers and curl`)
  const here = known.here.get(name) ?? []
  const there = known.there?.get(name)
  const own = outside(known.addresses.get(server) ?? [])
  const addressOf = (name: string) => outside(known.addresses.get(name) ?? []).find(isIPv4) ?? `the address of ${name}`
  const address = addressOf(server)
  const record =
    servers.length > 1
      ? `its A records should be ${list(servers.map(addressOf))}, those of its servers`
      : `its A record should be ${address}`
  if (here.length === 0 && !there?.length)
    return ssl
      ? problem('failed', 'dns-missing', `${host} does not resolve, and so gets no certificate`, record)
      : warning('dns-missing', `${host} does not resolve`, record)
  if (here.length === 0)
    return warning('dns-differs', `${host} is ${list(there)} there, and does not resolve here`, record)
  if (here.every(isLoopback))
    return warning('dns-loopback', `${host} is ${list(here)}, by which each machine reaches itself`, record)
  const all = new Set(servers.flatMap(name => known.addresses.get(name) ?? []))
  const strange = here.filter(address => !all.has(address))
  const isHere = here.some(address => own.includes(address))
  if (strange.length > 0) return leadsElsewhere(host, strange, isHere, record)
  if (!isHere)
    return warning(
      'dns-not-here',
      `${host} leads to other servers of it (${list(here)}), and not to this one`,
      `that is right where something else sends requests on to this one; else add ${address} to its A records`,
    )
  if (there?.length === 0)
    return warning(
      'dns-differs',
      `${host} is ${list(here)} here, and does not resolve there`,
      'the name servers in its /etc/resolv.conf do not know it; who looks for it elsewhere may',
    )
  return ok(`${host} is ${list(here)}`)
}

function leadsElsewhere(host: string, strange: readonly string[], isHere: boolean, record: string): Verdict {
  return warning(
    isHere ? 'dns-also-elsewhere' : 'dns-elsewhere',
    `${host} ${isHere ? 'also leads' : 'leads'} to ${list(strange)}, which none of its servers is known to have`,
    `that is right behind a load balancer or a CDN, which must send requests on to this server; else ${record}`,
  )
}

/** Those by which others may reach a machine; which of them they can cannot be told. */
function outside(addresses: readonly string[]): string[] {
  return addresses.filter(address => !isLoopback(address) && !/^fe80:/i.test(address))
}

function list(addresses: readonly string[] = []): string {
  return addresses.join(', ')
}
