import type { Config } from '../config/config.ts'
import type { Selected } from '../config/select.ts'
import type { Stored } from '../registry/local/contents.ts'
import { findStored } from '../registry/local/find.ts'
import type { Observation } from './observe.ts'
import { imagesToFind } from './plan/moves.ts'

/** What the local registry knows of images like those that are to be built; undefined where there is to be none. */
export async function storedLike(
  config: Config,
  selected: Selected,
  version: string,
  observations: readonly Observation[],
  signal: AbortSignal,
): Promise<Stored[] | undefined> {
  const { registry } = config.builder
  if (registry.type !== 'local') return undefined
  return findStored(registry.port, imagesToFind(config, selected, version, observations), signal)
}
