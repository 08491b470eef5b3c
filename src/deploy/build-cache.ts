import type { Config } from '../config/config.ts'
import { repositoryOf } from '../config/image-name.ts'
import { Secret } from '../config/secret.ts'
import { JijiError } from '../errors.ts'
import type { BuildCache } from '../shell/build.ts'
import { suffixOf } from './plan/builds.ts'

/** Where a build finds layers of earlier ones, and leaves its own, besides the engine that builds it. */
export function cacheOfBuild(
  { builder: { engine, cache, registry }, project }: Pick<Config, 'builder' | 'project'>,
  service: string,
  platform: string | undefined,
): BuildCache | undefined {
  const { type, ref } = cache
  if (type === 'none' || type === 'engine') return undefined
  const suffix = platform ? suffixOf(platform) : ''
  if (type === 'gha') return { type, scope: `${project}-${service}${suffix}` }
  // Podman makes tags of its own, one for each layer. Of Docker's, each build needs one for itself.
  const tag = engine === 'podman' ? '' : `:${ref ? `${project}-${service}` : 'buildcache'}${suffix}`
  return { type, ref: `${ref ?? repositoryOf(registry, project, service)}${tag}` }
}

/**
 * What lets a build reach the cache of GitHub Actions, as buildx looks for it in its environment.
 * @throws JijiError build.failed where there is none
 */
export function cacheTokens(
  { cache }: Config['builder'],
  environment: Readonly<Record<string, string | undefined>>,
): Secret[] {
  if (cache.type !== 'gha') return []
  const { ACTIONS_RUNTIME_TOKEN, ACTIONS_RESULTS_URL, ACTIONS_CACHE_URL, ACTIONS_CACHE_SERVICE_V2 } = environment
  const isThere = ACTIONS_RUNTIME_TOKEN && (ACTIONS_RESULTS_URL || ACTIONS_CACHE_URL)
  if (!isThere)
    throw new JijiError(
      'build.failed',
      `the cache of GitHub Actions is out of reach: ${ACTIONS_RUNTIME_TOKEN ? 'ACTIONS_RESULTS_URL' : 'ACTIONS_RUNTIME_TOKEN'} is not in the environment`,
      {
        hint: 'run the action crazy-max/ghaction-github-runtime before jiji in the job; elsewhere write builder.cache: true',
      },
    )
  const all = { ACTIONS_RUNTIME_TOKEN, ACTIONS_RESULTS_URL, ACTIONS_CACHE_URL, ACTIONS_CACHE_SERVICE_V2 }
  return Object.entries(all).flatMap(([name, value]) => (value ? [new Secret(name, value)] : []))
}
