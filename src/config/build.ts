import { authKind, mintCommand } from './auth-kinds.ts'
import { readBuilderAddress } from './builder-address.ts'
import type { BuilderRegistry, Cache, Config, Credential, Environment, Server, Service, Target } from './config.ts'
import { SecretReference } from './fields.ts'
import type { Found } from './find.ts'
import { registryKey } from './registry-key.ts'
import type { Settings } from './schema.ts'

type Context = Found & Pick<Config, 'environment' | 'warnings' | 'locate'>

/** Checked settings as the rest of the program sees them: names filled in, defaults carried down, frozen. */
export function build(settings: Settings, context: Context): Config {
  const { project, builder } = settings
  return deepFreeze({
    files: context.files,
    root: context.root,
    environment: context.environment,
    warnings: context.warnings,
    locate: context.locate,
    project,
    scope: context.environment ? `${project}-${context.environment}` : project,
    builder: {
      engine: builder.engine,
      remote: typeof builder.remote === 'string' ? readBuilderAddress(builder.remote) : undefined,
      remotes: Object.fromEntries(remotesOf(builder).map(([arch, address]) => [arch, readBuilderAddress(address)])),
      cache: cacheOf(builder.cache),
      registry: builderRegistry(builder.registry),
    },
    registries: Object.entries(settings.registries).flatMap(
      ([name, registry]) => credentialOf(name, registryKey(registry.server), registry, ['registries', name]) ?? [],
    ),
    ssh: settings.ssh,
    servers: Object.entries(settings.servers).map(
      ([name, server]): Server => ({ ...server, name, engine: server.engine ?? builder.engine }),
    ),
    services: Object.entries(settings.services).map(([name, service]) => serviceOf(name, service, settings)),
    deploy: settings.deploy,
    proxy: settings.proxy,
  })
}

/** The builders for one architecture. */
export function remotesOf({ remote }: Settings['builder']): [arch: string, address: string][] {
  if (typeof remote !== 'object') return []
  return Object.entries(remote).flatMap(([arch, address]): [string, string][] => (address ? [[arch, address]] : []))
}

export function cacheOf(cache: Settings['builder']['cache']): Cache {
  if (typeof cache === 'object') return cache
  if (typeof cache === 'string') return { type: cache }
  return { type: cache ? 'engine' : 'none' }
}

function builderRegistry(registry: Settings['builder']['registry']): BuilderRegistry {
  if (!registry.server) return { type: 'local', port: registry.port, image: registry.image }
  const { username, namespace } = registry
  const key = registryKey(registry.server)
  const credential = credentialOf('builder.registry', key, registry, ['builder', 'registry'])
  return { type: 'remote', key, username, namespace, credential }
}

type Declared = Settings['registries'][string] | Settings['builder']['registry']

/** Nothing where only a name is declared: images then go to a registry that lets everybody in. */
function credentialOf(name: string, key: string, declared: Declared, path: readonly string[]): Credential | undefined {
  const { auth, description } = declared
  const command = mintCommand(auth, key)
  const minted = command && new SecretReference(`$(${command})`, 'value', [...path, 'auth'])
  const secret = minted ?? declared.key ?? declared.key_file ?? declared.password
  const username = declared.username ?? authKind(auth).username
  if (!secret || !username) return undefined
  return { name, key, auth, username, secret, ...(description ? { description } : {}) }
}

function serviceOf(
  name: string,
  { hosts, environment, proxy, ...service }: Settings['services'][string],
  settings: Settings,
): Service {
  const own = new Set(hosts)
  return {
    ...service,
    name,
    servers: Object.keys(settings.servers).filter(server => own.has(server)),
    environment: mergeEnvironments(name, settings.environment, environment),
    ...(proxy ? { proxy: { targets: targetsOf(proxy) } } : {}),
  }
}

/** One, unless several are listed. */
function targetsOf({ targets, ...only }: NonNullable<Settings['services'][string]['proxy']>): readonly Target[] {
  return targets ?? [only as Target]
}

/** The service's own variables win over the shared ones, whichever way either is given. */
function mergeEnvironments(
  service: string,
  shared: Settings['environment'],
  own: Settings['environment'],
): Environment {
  const ownSecrets = secretsOf(own.secrets, ['services', service, 'environment', 'secrets'])
  const sharedSecrets = secretsOf(shared.secrets, ['environment', 'secrets'])
  const ownNames = new Set([...Object.keys(own.clear), ...ownSecrets.map(({ name }) => name)])
  const secrets = [...sharedSecrets.filter(({ name }) => !ownNames.has(name)), ...ownSecrets]
  const secretNames = new Set(secrets.map(({ name }) => name))
  const clear = Object.entries({ ...shared.clear, ...own.clear }).filter(([name]) => !secretNames.has(name))
  return { clear: Object.fromEntries(clear), secrets }
}

function secretsOf(entries: readonly string[], path: readonly string[]): Environment['secrets'] {
  return entries.map((entry, index) => {
    const [name = '', source = name] = entry.split(':')
    return { name, secret: new SecretReference(source, 'value', [...path, index]) }
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}
