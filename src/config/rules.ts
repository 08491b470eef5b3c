import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { JijiError } from '../errors.ts'
import { builderRules } from './builder-rules.ts'
import { containerRules } from './container-rules.ts'
import { credentialRules, namedRegistryRules } from './credential-rules.ts'
import { SecretReference } from './fields.ts'
import { canonicalRepository, needsNamespace } from './image-name.ts'
import type { Finding } from './issues.ts'
import { orderRules } from './order-rules.ts'
import { portRules } from './port-rules.ts'
import { proxyRules } from './proxy-rules.ts'
import { registryHost, registryKey } from './registry-key.ts'
import type { Settings } from './schema.ts'
import { seedRules } from './seed-rules.ts'
import { unknownServer } from './unknown-server.ts'

/** What a schema of single keys cannot say: how keys must agree with each other, and with what is on the disk. */
export function checkRules(settings: Settings, root: string): Finding[] {
  return [
    ...builderRules(settings),
    ...builderRegistryRules(settings.builder.registry, needsBuild(settings)),
    ...Object.entries(settings.registries).flatMap(([name, registry]) => pullRegistryRules(name, registry)),
    ...namedRegistryRules(settings),
    ...seedRules(settings),
    ...serviceRules(settings, root),
    ...containerRules(settings, root),
    ...orderRules(settings),
    ...proxyRules(settings),
    ...portRules(settings),
  ]
}

/** Secret fields that hold the secret itself: it works, and it does not belong in a file that git keeps. */
export function literalSecrets(settings: Settings): Finding[] {
  return references(settings)
    .filter(({ reference }) => reference.otherwise === 'value' && !reference.isName && !reference.isCommand)
    .map(({ path }) => ({
      path,
      at: 'value',
      code: 'literal-secret',
      message: 'the secret itself is written here',
      hint: 'put it in .env or in the environment, and write its ALL_CAPS name here',
    }))
}

/** Every secret reference in a value, with its path. */
export function references(
  value: unknown,
  path: readonly (string | number)[] = [],
): { path: readonly (string | number)[]; reference: SecretReference }[] {
  if (value instanceof SecretReference) return [{ path, reference: value }]
  if (Array.isArray(value)) return value.flatMap((item, index) => references(item, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => references(item, [...path, key]))
}

const displayNames: Record<string, string> = { 'ghcr.io': 'GHCR', 'docker.io': 'Docker Hub' }

function builderRegistryRules(registry: Settings['builder']['registry'], isNeeded: boolean): Finding[] {
  const path = ['builder', 'registry']
  if (registry.type === 'local' && registry.server) {
    return [
      {
        path: [...path, 'server'],
        at: 'key',
        code: 'conflict',
        message: 'a local registry has no server',
        hint: 'remove `server`, or write type: remote',
      },
    ]
  }
  if (registry.type === 'remote' && !registry.server) {
    return [
      {
        path: [...path, 'type'],
        at: 'value',
        code: 'missing-key',
        message: 'server is missing: a remote registry needs its host',
        hint: 'for example server: ghcr.io',
      },
    ]
  }
  if (!registry.server) return remoteKeys(registry)
  const wrongKey = keyProblem([...path, 'server'], registry.server)
  if (wrongKey.length > 0) return wrongKey

  const findings: Finding[] = []
  if (isNeeded) findings.push(...ownerProblem(registry, registryKey(registry.server)))
  const host = registryHost(registryKey(registry.server))
  const hasNamespace = registry.namespace !== undefined || registryKey(registry.server).includes('/')
  if (isNeeded && needsNamespace(host) && !registry.username && !hasNamespace) {
    findings.push({
      path: [...path, 'server'],
      at: 'value',
      code: 'missing-key',
      message: `${displayNames[host]} requires username to be configured`,
      hint: 'add `username`, or `namespace` for an organisation',
    })
  }
  findings.push(...credentialRules(path, registry, false))
  return findings
}

/** What becomes a part of image names must be fit for it, which a user name (an e-mail address) need not be. */
function ownerProblem({ username, namespace }: Settings['builder']['registry'], key: string): Finding[] {
  const isUsed = needsNamespace(registryHost(key)) && !key.includes('/')
  const [name, owner] = namespace === undefined ? ['username', isUsed ? username : undefined] : ['namespace', namespace]
  if (owner === undefined) return []
  return asFinding(['builder', 'registry', name], () => registryKey(`${registryHost(key)}/${owner}`)).map(finding => ({
    ...finding,
    message: `${JSON.stringify(owner)} cannot be a part of an image's name`,
    hint: name === 'username' ? 'add `namespace`, which then stands there instead' : 'write it as image names have it',
  }))
}

function pullRegistryRules(name: string, registry: Settings['registries'][string]): Finding[] {
  const wrongKey = keyProblem(['registries', name, 'server'], registry.server)
  return wrongKey.length > 0 ? wrongKey : credentialRules(['registries', name], registry, true)
}

/** Keys that would be ignored without a word: whoever writes them means a remote registry. */
function remoteKeys(registry: Settings['builder']['registry']): Finding[] {
  return (['username', 'password', 'key', 'key_file', 'namespace'] as const)
    .filter(key => registry[key] !== undefined)
    .map(key => ({
      path: ['builder', 'registry', key],
      at: 'key',
      code: 'conflict',
      message: `a local registry has no ${key}`,
      hint: `remove \`${key}\`, or add the \`server\` of a remote registry`,
    }))
}

function serviceRules(settings: Settings, root: string): Finding[] {
  return Object.entries(settings.services).flatMap(([name, service]): Finding[] => {
    const path = ['services', name]
    const findings: Finding[] = []
    if ((service.image === undefined) === (service.build === undefined)) {
      const message =
        service.image === undefined
          ? 'image or build is missing: one says what to run'
          : 'image and build exclude each other'
      findings.push({
        path: [...path, 'image'],
        at: 'key',
        code: service.image === undefined ? 'missing-key' : 'conflict',
        message,
        hint:
          service.image === undefined
            ? 'add image: NAME:TAG for one that there is, or build: {context: .} to build it'
            : 'remove `build` to run the image as it is, or `image` to build one',
      })
    }
    if (service.image !== undefined) findings.push(...imageProblem([...path, 'image'], service.image))
    if (service.build) findings.push(...buildFiles([...path, 'build'], service.build, root))
    findings.push(...service.hosts.flatMap((host, index) => unknownServer([...path, 'hosts', index], host, settings)))
    // The DNS name of each of its two slots is project-service-a, with the environment in the middle if there is one.
    if (settings.project.length + name.length > 48) {
      findings.push({
        path,
        at: 'key',
        code: 'wrong-value',
        message: `the names ${settings.project} and ${name} are too long together: 48 characters at most`,
      })
    }
    const fixedPort = service.ports.findIndex(port => port.includes(':'))
    if (fixedPort >= 0 && !service.stop_first) {
      findings.push({
        path: [...path, 'ports', fixedPort],
        at: 'value',
        code: 'conflict',
        message: 'a fixed host port cannot be held by the old and the new container at once',
        hint: 'add stop_first: true (a short gap), or route through `proxy`',
      })
    }
    if (fixedPort >= 0 && service.replicas > 1) {
      findings.push({
        path: [...path, 'replicas'],
        at: 'value',
        code: 'conflict',
        message: 'a fixed host port can be held by one container only',
        hint: 'route through `proxy`, or name the port of the container alone',
      })
    }
    return findings
  })
}

function buildFiles(
  path: string[],
  build: NonNullable<Settings['services'][string]['build']>,
  root: string,
): Finding[] {
  const context = join(root, build.context)
  if (!existsSync(context) || !statSync(context).isDirectory()) {
    return [
      {
        path: [...path, 'context'],
        at: 'value',
        code: 'missing-file',
        message: `there is no folder ${context}`,
        hint: `paths are relative to ${root}`,
      },
    ]
  }
  const file = join(context, build.dockerfile ?? 'Dockerfile')
  if (existsSync(file) || (build.dockerfile === undefined && existsSync(join(context, 'Containerfile')))) return []
  return [
    {
      path: [...path, build.dockerfile ? 'dockerfile' : 'context'],
      at: 'value',
      code: 'missing-file',
      message: `there is no ${file}`,
      hint: 'write one, or name another with `dockerfile`',
    },
  ]
}

function keyProblem(path: (string | number)[], server: string): Finding[] {
  return asFinding(path, () => registryKey(server))
}

function imageProblem(path: (string | number)[], image: string): Finding[] {
  return asFinding(path, () => canonicalRepository(image)).map(finding => ({
    ...finding,
    message: finding.message.replace("the registry's name", "the image's name"),
    hint: 'an image is written as [host[:port]/][namespace/]name[:tag][@digest]',
  }))
}

function asFinding(path: (string | number)[], check: () => unknown): Finding[] {
  try {
    check()
    return []
  } catch (error) {
    if (!(error instanceof JijiError)) throw error
    return [
      { path, at: 'value', code: 'wrong-value', message: error.message, ...(error.hint ? { hint: error.hint } : {}) },
    ]
  }
}

function needsBuild(settings: Settings): boolean {
  return Object.values(settings.services).some(service => service.build)
}
