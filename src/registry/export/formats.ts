import { registryHost } from '../../config/registry-key.ts'
import { hostCredential } from '../credentials.ts'
import { butaneConfig } from './butane.ts'
import { githubActions, gitlabCi } from './ci.ts'
import { containerdConfig } from './containerd.ts'
import { byKey, type Declared, type ExportFile, type Held, type Origin } from './credential.ts'
import { dockerConfig, podmanAuth } from './docker.ts'
import { kubeletConfig } from './kubelet.ts'
import { kubernetesLegacySecret, kubernetesSecret } from './kubernetes.ts'
import { mesosArchive } from './mesos.ts'
import { nomadConfig } from './nomad.ts'
import { rktAuth } from './rkt.ts'

/** What a person may choose about a format, by the names of the command's options. */
export type Choices = {
  name: string
  namespace: string | undefined
  'service-account': string | undefined
  'auth-file': string
  basic: boolean
  source: string | undefined
}

export type Format = {
  /** Whether it can hold a login for a namespace, or only one for a host. */
  scope: 'namespace' | 'host'
  /** Those of the choices that mean something to it. */
  choices?: readonly (keyof Choices)[]
  isBinary?: true
  /** Whether it wants a folder for its files. */
  isFolder?: true
} & (
  | { holdsSecrets: true; render: (credentials: readonly Held[], origin: Origin, choices: Choices) => ExportFile[] }
  | {
      holdsSecrets: false
      render: (credentials: readonly Declared[], origin: Origin, choices: Choices) => ExportFile[]
    }
)

/** What a declaration can be turned into. */
export const formats = {
  'docker-config': { scope: 'host', holdsSecrets: true, render: held => [dockerConfig(held)] },
  'podman-auth': { scope: 'namespace', holdsSecrets: true, render: held => [podmanAuth(held)] },
  kubernetes: {
    scope: 'namespace',
    choices: ['name', 'namespace', 'service-account'],
    holdsSecrets: true,
    render: (held, origin, choices) => [kubernetesSecret(held, origin, kubernetesNames(choices))],
  },
  'kubernetes-legacy': {
    scope: 'namespace',
    choices: ['name', 'namespace', 'service-account'],
    holdsSecrets: true,
    render: (held, origin, choices) => [kubernetesLegacySecret(held, origin, kubernetesNames(choices))],
  },
  kubelet: { scope: 'namespace', holdsSecrets: false, render: (declared, origin) => [kubeletConfig(declared, origin)] },
  containerd: { scope: 'host', holdsSecrets: true, render: (held, origin) => [containerdConfig(held, origin)] },
  nomad: {
    scope: 'host',
    choices: ['auth-file'],
    holdsSecrets: false,
    render: (declared, origin, choices) => [nomadConfig(declared, origin, { authFile: choices['auth-file'] })],
  },
  butane: {
    scope: 'host',
    choices: ['source'],
    holdsSecrets: true,
    render: (held, origin, { source }) => [butaneConfig(held, origin, { source })],
  },
  'gitlab-ci': { scope: 'host', holdsSecrets: false, render: (declared, origin) => [gitlabCi(declared, origin)] },
  'github-actions': {
    scope: 'host',
    holdsSecrets: false,
    render: (declared, origin) => [githubActions(declared, origin)],
  },
  rkt: {
    scope: 'host',
    choices: ['basic'],
    isFolder: true,
    holdsSecrets: true,
    render: (held, _, { basic }) => rktAuth(held, { isBasic: basic }),
  },
  mesos: { scope: 'host', isBinary: true, holdsSecrets: true, render: held => [mesosArchive(held)] },
} as const satisfies Record<string, Format>

export type FormatName = keyof typeof formats

/**
 * Those that a format can hold, in the order of their keys, and those that it cannot: where there is one login for a host,
 * the one that the engines here would be given.
 */
export function holdable<T extends { key: string }>(
  scope: Format['scope'],
  credentials: readonly T[],
): { kept: T[]; leftOut: T[] } {
  const isKept = (one: T) =>
    scope === 'host'
      ? hostCredential(credentials, registryHost(one.key)) === one
      : credentials.find(({ key }) => key === one.key) === one
  return {
    kept: credentials.filter(isKept).toSorted(byKey),
    leftOut: credentials.filter(one => !isKept(one)),
  }
}

function kubernetesNames(choices: Choices) {
  return { name: choices.name, namespace: choices.namespace, serviceAccount: choices['service-account'] }
}
