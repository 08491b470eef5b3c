import { JijiError } from '../errors.ts'
import type { Link } from './link.ts'
import type { SshTarget } from './ssh-target.ts'

export type JumpHosts = {
  share(jumpHosts: readonly SshTarget[], open: () => Promise<Link>): Promise<Link>
}

type Shared = { opening: Promise<Link>; link?: Link; users: number }

/**
 * The connections to jump hosts that lead to several servers. Each is made once and closed by its last user: thirty
 * servers behind one jump host would be more logins at once than its sshd takes.
 */
export function sharedJumpHosts(): JumpHosts {
  const all = new Map<string, Shared>()

  const find = (key: string, open: () => Promise<Link>) => {
    const existing = all.get(key)
    if (existing && existing.link?.lostBecause() === undefined) return existing
    const shared: Shared = { opening: open(), users: 0 }
    all.set(key, shared)
    return shared
  }
  const leave = (key: string, shared: Shared) => {
    shared.users -= 1
    if (shared.users === 0 && all.get(key) === shared) all.delete(key)
    return shared.users === 0
  }

  return {
    async share(jumpHosts, open) {
      const key = keyOf(jumpHosts)
      const shared = find(key, open)
      shared.users += 1
      try {
        const link = await shared.opening
        shared.link = link
        let isOpen = true
        const close = async () => {
          const isLast = isOpen && leave(key, shared)
          isOpen = false
          if (isLast) await link.close()
        }
        return { ...link, close }
      } catch (error) {
        leave(key, shared)
        throw forServer(jumpHosts, error)
      }
    },
  }
}

function keyOf(jumpHosts: readonly SshTarget[]): string {
  return JSON.stringify(jumpHosts.map(({ server: _, ...jumpHost }) => jumpHost))
}

/** The failure was met on the way to whichever server was first; it is a failure of each. */
function forServer([jumpHost]: readonly SshTarget[], error: unknown): unknown {
  if (!(error instanceof JijiError) || jumpHost === undefined || error.server === jumpHost.server) return error
  const { code, message, hint } = error
  return new JijiError(code, message, {
    server: jumpHost.server,
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  })
}
