import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { LockOwner } from '../shell/lock.ts'
import type { Actor } from './actor.ts'
import type { LossContext } from './losses.ts'
import type { Observation } from './observe.ts'

/** What carrying a plan out needs to know. */
export type ApplyContext = LossContext & {
  config: Config
  secrets: Secrets
  observations: readonly Observation[]
  /** Who changes something; what is changed is changed only while the lock is theirs. */
  owner: LockOwner
  /** The same for the audit. */
  actor: Actor
}
