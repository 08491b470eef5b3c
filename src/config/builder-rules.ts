import { JijiError } from '../errors.ts'
import { cacheOf, remotesOf } from './build.ts'
import { readBuilderAddress } from './builder-address.ts'
import type { Finding } from './issues.ts'
import type { Settings } from './schema.ts'

/** Where images are built, and what is kept of that. */
export function builderRules({ builder, services }: Settings): Finding[] {
  return [...placeRules(builder, services), ...cacheRules(builder)]
}

function placeRules(builder: Settings['builder'], services: Settings['services']): Finding[] {
  const { local, remote } = builder
  if (typeof remote === 'object') return remotesRules(builder, services)
  if (local === false && remote === undefined) {
    const message = 'remote is missing: without a builder elsewhere, this machine builds'
    const hint = 'add `remote: ssh://user@host`, or remove `local`'
    return [{ path: ['builder', 'local'], at: 'value', code: 'missing-key', message, hint }]
  }
  if (local === true && remote !== undefined) {
    const message = 'local: true and remote exclude each other'
    const hint = 'write local: false to build there, or remove `remote`'
    return [{ path: ['builder', 'remote'], at: 'key', code: 'conflict', message, hint }]
  }
  return remote === undefined ? [] : [...addressProblem(['builder', 'remote'], remote), ...lentKeys(services)]
}

/** What none of them is for is built here. */
function remotesRules(builder: Settings['builder'], services: Settings['services']): Finding[] {
  const remotes = remotesOf(builder)
  if (remotes.length === 0) {
    const message = 'remote names no builder'
    const hint = 'for example {arm64: ssh://builder@build.example.com}, or remove it'
    return [{ path: ['builder', 'remote'], at: 'key', code: 'missing-key', message, hint }]
  }
  if (builder.local === false) {
    const message = 'local: false needs one builder for everything, and remote has some by architecture'
    const hint = 'remove `local`: what they are not for is built here'
    return [{ path: ['builder', 'local'], at: 'value', code: 'conflict', message, hint }]
  }
  return [
    ...remotes.flatMap(([arch, address]) => addressProblem(['builder', 'remote', arch], address)),
    ...lentKeys(services),
  ]
}

/** What an engine cannot do at all, whatever version it is of; the rest is seen where it builds. */
function cacheRules({ engine, cache, registry }: Settings['builder']): Finding[] {
  const { type, ref } = cacheOf(cache)
  const path = typeof cache === 'object' ? ['builder', 'cache', 'type'] : ['builder', 'cache']
  const conflict = (message: string, hint: string): Finding[] => [
    { path, at: 'value', code: 'conflict', message, hint },
  ]
  if (engine === 'podman' && type === 'inline')
    return conflict('Podman writes no cache into images', 'write cache: registry, which Podman has from 4.3 on')
  if (engine === 'podman' && type === 'gha')
    return conflict('only Docker with buildx has the cache of GitHub Actions', 'write cache: registry')
  if (ref !== undefined && type !== 'registry')
    return conflict(`only type: registry has a ref, and this is ${type}`, 'write type: registry, or remove `ref`')
  if (!registry.server && (type === 'inline' || (type === 'registry' && ref === undefined)))
    return conflict(
      'the local registry is no place for a cache: the builder has the layers itself',
      'write cache: true, or {type: registry, ref: …} with a repository elsewhere',
    )
  return []
}

/** Whoever rules a builder could use them for anything. */
function lentKeys(services: Settings['services']): Finding[] {
  return Object.entries(services)
    .filter(([, { build }]) => build && build.ssh.length > 0)
    .map(([name]) => ({
      path: ['services', name, 'build', 'ssh'],
      at: 'key',
      code: 'conflict',
      message: 'the agent and the keys of this machine are not lent to a builder elsewhere',
      hint: 'give the build a key of its own, as one of its `secrets`',
    }))
}

function addressProblem(path: readonly string[], remote: string): Finding[] {
  try {
    readBuilderAddress(remote)
    return []
  } catch (error) {
    if (!(error instanceof JijiError)) throw error
    const { message, hint } = error
    return [{ path, at: 'value', code: 'wrong-value', message, ...(hint ? { hint } : {}) }]
  }
}
