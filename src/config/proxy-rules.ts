import { grouped } from './grouped.ts'
import type { Finding } from './issues.ts'
import { serviceProxy } from './proxy-keys.ts'
import type { Settings } from './schema.ts'

type Proxy = NonNullable<Settings['services'][string]['proxy']>
type Target = Partial<Proxy>
type Path = readonly (string | number)[]

/** How the routes of services must agree with each other. */
export function proxyRules({ services }: Settings): Finding[] {
  const proxied = Object.entries(services).flatMap(([service, { proxy, hosts }]) =>
    proxy ? [{ service, proxy, servers: hosts, path: ['services', service, 'proxy'] }] : [],
  )
  const placed = proxied.flatMap(({ service, proxy, servers, path }) => {
    const targets = proxy.targets ?? [proxy]
    return targets.map((target: Target, index) => {
      const at = proxy.targets ? [...path, 'targets', index] : path
      return { service, servers, target, path: at }
    })
  })
  return [
    ...proxied.flatMap(({ proxy, path }) => (proxy.targets ? nothingBeside(path, proxy) : nothingMissing(path, proxy))),
    ...placed.flatMap(({ target, path }) => targetRules(path, target)),
    ...routeRules(placed),
  ]
}

function nothingMissing(path: Path, { app_port, hosts }: Proxy): Finding[] {
  const missing = (key: string, expected: string): Finding => ({
    path: [...path, key],
    at: 'key',
    code: 'missing-key',
    message: `${key} is missing: expected ${expected}`,
  })
  return [
    ...(app_port === undefined ? [missing('app_port', 'a whole number from 1 to 65535')] : []),
    ...(hosts === undefined ? [missing('hosts', 'a list')] : []),
  ]
}

function nothingBeside(path: Path, { targets, ...beside }: Proxy): Finding[] {
  const unset: Record<string, unknown> = serviceProxy.parse({})
  return Object.entries(beside)
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(unset[key]))
    .map(([key]) => ({
      path: [...path, key],
      at: 'key',
      code: 'conflict',
      message: `with \`targets\`, ${key} is that of a target`,
      hint: 'write it in each target that is to have it',
    }))
}

function targetRules(path: Path, target: Target): Finding[] {
  const { hosts = [], path_prefix, strip_path_prefix, ssl, ssl_redirect, redirect_from = [] } = target
  const conflict = (key: Path, message: string, hint: string): Finding => ({
    path: [...path, ...key],
    at: 'value',
    code: 'conflict',
    message,
    hint,
  })
  const findings: Finding[] = []
  if (strip_path_prefix === false && path_prefix === undefined)
    findings.push(conflict(['strip_path_prefix'], 'there is no prefix to be left on', 'add `path_prefix`'))
  if (ssl_redirect === false && ssl === false)
    findings.push(conflict(['ssl_redirect'], 'without ssl nothing is sent on to HTTPS', 'remove it, or add `ssl`'))
  if (redirect_from.length > 0 && hosts[0]?.startsWith('*'))
    findings.push(conflict(['redirect_from'], 'a wildcard is no place to send on to', 'write another of `hosts` first'))
  if (ssl !== true) return findings
  const wildcards = Object.entries({ hosts, redirect_from }).flatMap(([key, names]) =>
    names.flatMap((name, index) => (name.startsWith('*') ? [[key, index]] : [])),
  )
  const why = 'a certificate for a wildcard is not given over HTTP, which is how the proxy asks for one'
  const hint = 'name a certificate of your own: ssl: {certificate_pem: NAME, private_key_pem: NAME}'
  return [...findings, ...wildcards.map(key => conflict(key, why, hint))]
}

type Placed = { service: string; servers: readonly string[]; target: Target; path: Path }
type Claim = Placed & { server: string; host: string; prefix: string; isRedirect: boolean; at: Path }

/** A host name and a prefix lead to one place on a server, and a host name has one kind of ssl. */
function routeRules(placed: readonly Placed[]): Finding[] {
  const rivalsOf = grouped(({ server, host }: Claim) => `${server} ${host}`)
  return placed.flatMap(one => {
    const own = claimsOf(one)
    const findings = own.flatMap(claim => rivalryOf(claim, rivalsOf(claim)))
    for (const claim of own) rivalsOf(claim).push(claim)
    return [...new Map(findings.map(finding => [finding.path.join('.'), finding])).values()]
  })
}

function claimsOf(placed: Placed): Claim[] {
  const { servers, target, path } = placed
  const prefix = target.path_prefix?.toLowerCase() ?? ''
  const claims = (key: 'hosts' | 'redirect_from', isRedirect: boolean) =>
    (target[key] ?? []).flatMap((host, index) =>
      servers.map(server => ({
        ...placed,
        server,
        host: host.toLowerCase(),
        prefix,
        isRedirect,
        at: [...path, key, index],
      })),
    )
  const own = [...claims('hosts', false), ...claims('redirect_from', true)]
  return own
}

/** `rivals` are the claims to the same host name of the same server. */
function rivalryOf(claim: Claim, rivals: readonly Claim[]): Finding[] {
  const { host, prefix, isRedirect, target, path, at } = claim
  const taken = rivals.find(other => other.isRedirect || isRedirect || other.prefix === prefix)
  if (taken) {
    const written = `${host}${isRedirect || taken.isRedirect ? '' : (target.path_prefix ?? '')}`
    const message = `${written} already leads to the service ${taken.service}`
    const hint = 'remove it in one of the two, or give one a `path_prefix`'
    return [{ path: at, at: 'value', code: 'conflict', message, hint }]
  }
  const other = rivals.find(rival => kindOf(rival.target) !== kindOf(target))
  if (!other) return []
  const message = `what leads to ${host} must have the same ssl everywhere, and ${other.service} has another`
  return [{ path: [...path, 'ssl'], at: 'value', code: 'conflict', message, hint: `see ${other.path.join('.')}` }]
}

function kindOf({ ssl, ssl_redirect }: Target): string {
  const kind = typeof ssl === 'object' ? [ssl.certificate_pem.text, ssl.private_key_pem.text] : [ssl]
  return [...kind, ssl_redirect].join(' ')
}
