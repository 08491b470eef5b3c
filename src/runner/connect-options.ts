import type { JumpHosts } from './jump-hosts.ts'
import type { Stranger } from './strangers.ts'
import type { Timings } from './timings.ts'

export type ConnectOptions = {
  /** Several connections that are given the same ones share them. */
  jumpHosts?: JumpHosts
  signal?: AbortSignal
  timings?: Partial<Timings>
  /** Where HOME, SSH_AUTH_SOCK and the variables in ssh's configuration come from. */
  environment?: { readonly [name: string]: string | undefined }
  /** Told what is worth knowing and no failure. */
  warn?: (message: string, server: string) => void
  /** Told of a new host key that was recorded, instead of `warn`. */
  met?: (stranger: Stranger) => void
  /** For a look that is to leave no trace: the key of a server that is not known is accepted, and not recorded. */
  forgets?: boolean
}
