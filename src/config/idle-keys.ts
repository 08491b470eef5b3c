import { canonicalRepository } from './image-name.ts'
import type { Finding } from './issues.ts'
import { covers, registryKey } from './registry-key.ts'
import type { Settings } from './schema.ts'

type Path = (string | number)[]
/** Whether somebody has written a key: a default has nobody who would wonder. */
type IsGiven = (path: Path) => boolean

/** Keys that are written and change nothing: whoever wrote them expects something of them. */
export function idleKeys(settings: Settings, isGiven: IsGiven): Finding[] {
  return [
    ...idleInBuilder(settings),
    ...idleRegistries(settings),
    ...idleSsh(settings),
    ...idleServers(settings),
    ...idleInDeploy(settings),
    ...Object.entries(settings.services).flatMap(([name, service]) => idleInService(['services', name], service)),
    ...doubles(['environment'], settings.environment),
  ].filter(({ path }) => isGiven(path as Path))
}

function idle(path: Path, why: string, hint: string, at: Finding['at'] = 'key'): Finding {
  return { path, at, code: 'no-effect', message: `it does nothing: ${why}`, hint }
}

function idleInBuilder({ builder, services }: Settings): Finding[] {
  const ofLocal = (['port', 'image'] as const).map(key =>
    idle(
      ['builder', 'registry', key],
      'it is that of a local registry, and this one is remote',
      'remove it, or `server`',
    ),
  )
  const ofBuilds = ['local', 'remote', 'cache'].map(key =>
    idle(['builder', key], 'no service is built', 'remove it, or give a service `build`'),
  )
  const isBuilding = Object.values(services).some(({ build }) => build)
  return [...(builder.registry.server ? ofLocal : []), ...(isBuilding ? [] : ofBuilds)]
}

/** What a Dockerfile begins with is not looked at: where something is built, any of them may be for that. */
function idleRegistries({ builder, registries, services, proxy }: Settings): Finding[] {
  const all = Object.values(services)
  if (all.length === 0 || all.some(({ build }) => build)) return []
  const own = builder.registry.server
  const declared = [
    ...(own ? [{ name: '', key: registryKey(own), path: ['builder', 'registry'] }] : []),
    ...Object.entries(registries).map(([name, { server }]) => ({
      name,
      key: registryKey(server),
      path: ['registries', name],
    })),
  ]
  const images = [...all.flatMap(({ image, registry }) => (image && !registry ? [image] : [])), proxy.image]
  const used = images.map(image => {
    const name = canonicalRepository(image)
    return declared.filter(({ key }) => covers(key, name)).toSorted((a, b) => b.key.length - a.key.length)[0]
  })
  const named = new Set(all.flatMap(({ registry }) => registry ?? []))
  return declared
    .filter(one => !used.includes(one) && !named.has(one.name))
    .map(({ key, path, name }) =>
      name
        ? idle(
            path,
            `no image comes from ${key}, or another credential is nearer to it`,
            'remove it, or name it as `registry` of a service',
          )
        : idle(path, `nothing is built, and no image comes from ${key}`, 'remove it, or give a service `build`'),
    )
}

function idleSsh({ ssh, servers, builder }: Settings): Finding[] {
  const all = Object.entries(servers)
  const here = all.filter(([, { host }]) => host === 'local')
  const ofHere = here.flatMap(([name]) =>
    ['user', 'port', 'keys'].map(key =>
      idle(['servers', name, key], 'host: local is this machine, without SSH', 'remove it, or name the host'),
    ),
  )
  if (here.length === 0 || here.length < all.length || builder.remote !== undefined) return ofHere
  const ofAll = Object.keys(ssh).map(key => idle(['ssh', key], 'no server is reached by SSH', 'remove it'))
  return [...ofHere, ...ofAll]
}

function idleServers({ servers, services }: Settings): Finding[] {
  const all = Object.values(services)
  if (all.length === 0) return []
  const used = new Set([
    ...all.flatMap(({ hosts }) => hosts),
    ...Object.values(servers).flatMap(({ seed }) => seed || []),
  ])
  return Object.keys(servers)
    .filter(name => !used.has(name))
    .map(name => idle(['servers', name], 'no service runs there', 'add it to `hosts` of a service, or remove it'))
}

function idleInDeploy({ services, proxy }: Settings): Finding[] {
  const all = Object.values(services)
  const findings: Finding[] = []
  const unrouted = 'no service is behind the proxy'
  if (all.every(service => !service.proxy)) {
    findings.push(idle(['deploy', 'drain_timeout'], unrouted, 'remove it, or give a service `proxy`'))
    const keys = Object.keys(proxy)
    findings.push(...keys.map(key => idle(['proxy', key], unrouted, 'remove it, or give a service `proxy`')))
  }
  if (all.every(service => service.proxy || service.healthcheck?.command))
    findings.push(idle(['deploy', 'settle'], 'every service has a health check of its own', 'remove it'))
  return findings
}

function idleInService(path: Path, { hosts, proxy, environment }: Settings['services'][string]): Finding[] {
  const firsts = new Map(hosts.map((host, index) => [host, index] as const).toReversed())
  const twice = hosts.flatMap((host, index) =>
    firsts.get(host) === index
      ? []
      : [
          idle(
            [...path, 'hosts', index],
            `${host} is in this list already`,
            'remove it; `replicas` gives several on one server',
            'value',
          ),
        ],
  )
  const targets = proxy?.targets ?? (proxy ? [proxy] : [])
  const routes = targets.flatMap(({ ssl, ssl_redirect, path_prefix, strip_path_prefix }, index) => {
    const at = [...path, 'proxy', ...(proxy?.targets ? ['targets', index] : [])]
    return [
      ...(ssl === false && ssl_redirect
        ? [idle([...at, 'ssl_redirect'], 'there is no HTTPS without `ssl`', 'add ssl: true, or remove it')]
        : []),
      ...(path_prefix === undefined && strip_path_prefix
        ? [idle([...at, 'strip_path_prefix'], 'there is no prefix to be taken off', 'add `path_prefix`, or remove it')]
        : []),
    ]
  })
  return [...twice, ...routes, ...doubles([...path, 'environment'], environment)]
}

/** A variable that is given both ways has the secret. */
function doubles(path: Path, { clear, secrets }: Settings['environment']): Finding[] {
  const names = new Set(secrets.map(entry => entry.split(':')[0] ?? ''))
  return Object.keys(clear)
    .filter(name => names.has(name))
    .map(name =>
      idle([...path, 'clear', name], `${name} is one of \`secrets\` too, and that wins`, 'remove one of the two'),
    )
}
