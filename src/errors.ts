/**
 * The kinds of failure. A code is part of the public interface (`-o json` carries it); its number is the exit status
 * of DESIGN section 4.
 */
const exitStatuses = {
  failed: 1,
  'build.failed': 1,
  'push.failed': 1,
  'pull.failed': 1,
  'engine.missing': 1,
  'engine.denied': 1,
  'engine.failed': 1,
  'engine.changed': 1,
  'disk.full': 1,
  'tunnel.failed': 1,
  'port.taken': 1,
  'name.taken': 1,
  'route.taken': 1,
  'nothing.running': 1,
  usage: 2,
  'usage.unknown-command': 2,
  'usage.unknown-key': 2,
  'usage.unknown-option': 2,
  'usage.needs-confirmation': 2,
  'config.missing': 2,
  'config.invalid': 2,
  'config.exists': 2,
  'hook.failed': 1,
  'hook.invalid': 2,
  'secret.missing': 2,
  'secret.command-failed': 2,
  'select.no-match': 2,
  'rollback.nothing': 2,
  'registry.unreachable': 1,
  'registry.refused': 3,
  'server.unreachable': 4,
  'server.timeout': 4,
  'server.refused': 4,
  'server.host-key': 4,
  'server.lost': 4,
  'lock.held': 5,
  'lock.lost': 5,
  'release.unhealthy': 6,
  'release.not-put-back': 7,
  'servers.partial': 7,
  interrupted: 130,
} as const

export type ErrorCode = keyof typeof exitStatuses

type Details = {
  /** What to try next: one sentence, or several lines. */
  hint?: string
  /** The server's name in the configuration. */
  server?: string
  /** What the thing that refused said itself: a container's last lines, an engine's message. */
  output?: string
  cause?: unknown
}

/** A failure the user can do something about. Anything else that is thrown is our own fault and shows its stack. */
export class JijiError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly server: string | undefined
  readonly output: string | undefined

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'JijiError'
    this.code = code
    this.hint = details.hint
    this.server = details.server
    this.output = details.output
  }

  get exitStatus(): number {
    return exitStatuses[this.code]
  }
}
