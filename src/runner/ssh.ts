import { attachOver } from './attach.ts'
import type { ConnectOptions } from './connect-options.ts'
import { sharedJumpHosts } from './jump-hosts.ts'
import { openLink } from './open-link.ts'
import type { Connection, Interactive } from './runner.ts'
import { sessionsOver } from './sessions.ts'
import type { SshTarget } from './ssh-target.ts'
import { sshWords } from './ssh-words.ts'
import { defaultTimings } from './timings.ts'
import { tunnelsOver } from './tunnels.ts'

/** Connects to a server's sshd, as ssh itself would. */
export async function connectSsh(target: SshTarget, options: ConnectOptions = {}): Promise<Connection & Interactive> {
  const timings = { ...defaultTimings, ...options.timings }
  const jumpHosts = options.jumpHosts ?? sharedJumpHosts()
  const link = await openLink(target, { ...options, timings, jumpHosts })
  return {
    server: target.server,
    sshWords: sshWords(target),
    address: link.address,
    ...sessionsOver(link, timings.grace),
    ...tunnelsOver(link),
    attach: (script, terminal, signal) => attachOver(link, script, terminal, signal),
    close: link.close,
  }
}
