import type { Config } from '../config/config.ts'
import type { Stored } from '../registry/local/contents.ts'
import { findStored } from '../registry/local/find.ts'
import type { Observation } from './observe.ts'
import { imagesToFind } from './plan/moves.ts'
import type { Plan } from './plan/plan.ts'

/** What the local registry knows of images like those that are to be built; undefined where there is to be none. */
export async function storedLike(
  { builder: { registry } }: Config,
  builds: Plan['builds'],
  observations: readonly Observation[],
  signal: AbortSignal,
): Promise<Stored[] | undefined> {
  if (registry.type !== 'local') return undefined
  return findStored(registry.port, imagesToFind(builds, observations), signal)
}
