import type { AuthKind } from './auth-kinds.ts'
import type { BuilderAddress } from './builder-address.ts'
import type { SecretReference } from './fields.ts'
import type { Problem } from './problem.ts'
import type { Settings } from './schema.ts'

export type { Settings }

/** A configuration that has been read, laid over, checked and frozen. Secrets in it are still references. */
export type Config = {
  /** The files it was read from, the base first. */
  files: readonly string[]
  /** The project root: every relative path is relative to it. */
  root: string
  environment: string | undefined
  project: string
  /** What names containers, locks and records on servers: project, or project-environment. */
  scope: string
  builder: Builder
  registries: readonly Credential[]
  ssh: Settings['ssh']
  servers: readonly Server[]
  services: readonly Service[]
  deploy: Settings['deploy']
  proxy: Settings['proxy']
  warnings: readonly Problem[]
  /** Where a value stands in its file, by its path. */
  locate: (path: readonly (string | number)[]) => { file: string; line: number; column: number }
}

export type Engine = 'docker' | 'podman'

type Builder = {
  engine: Engine
  /** The machine that builds, where that is not this one. */
  remote: BuilderAddress | undefined
  /** Machines that build for one architecture, instead of the other one. */
  remotes: Readonly<Record<string, BuilderAddress>>
  cache: Cache
  registry: BuilderRegistry
}

/** Where layers of earlier builds are found: `engine` is the builder itself, and a `ref` another repository. */
export type Cache = { type: 'none' | 'engine' | 'inline' | 'registry' | 'gha'; ref?: string | undefined }

export type BuilderRegistry =
  | { type: 'local'; port: number; image: string }
  | {
      type: 'remote'
      key: string
      /** What stands in image names where no namespace does. */
      username: string | undefined
      namespace: string | undefined
      credential: Credential | undefined
    }

/** Someone's name and secret for the registry whose canonical key is `key`. */
export type Credential = {
  /** `builder.registry`, or its name under `registries`. */
  name: string
  key: string
  auth: AuthKind
  username: string
  secret: SecretReference
  description?: string
}

export type Server = Omit<Settings['servers'][string], 'engine'> & { name: string; engine: Engine }

type ServiceSettings = Settings['services'][string]

/** What leads to one port of a service. */
export type Target = NonNullable<NonNullable<ServiceSettings['proxy']>['targets']>[number]

export type Service = Omit<ServiceSettings, 'hosts' | 'environment' | 'proxy'> & {
  name: string
  /** Names of its servers, in the order of the configuration. */
  servers: readonly string[]
  environment: Environment
  /** Its routes; undefined for one that is not behind the proxy. */
  proxy?: { targets: readonly Target[] }
}

export type Environment = {
  clear: Readonly<Record<string, string>>
  /** Name in the container, and the secret whose value it gets. */
  secrets: readonly { name: string; secret: SecretReference }[]
}

/** Every credential that the configuration declares. */
export function credentialsOf({ builder, registries }: Pick<Config, 'builder' | 'registries'>): Credential[] {
  const own = builder.registry.type === 'remote' ? builder.registry.credential : undefined
  return own ? [own, ...registries] : [...registries]
}
