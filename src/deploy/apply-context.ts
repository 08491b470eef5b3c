import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { LossContext } from './losses.ts'
import type { Observation } from './observe.ts'

/** What carrying a plan out needs to know. */
export type ApplyContext = LossContext & {
  config: Config
  secrets: Secrets
  observations: readonly Observation[]
  by: string
}
