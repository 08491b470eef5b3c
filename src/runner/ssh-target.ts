import type { Secret } from '../config/secret.ts'
import { JijiError } from '../errors.ts'

/** A server as the configuration describes it; ssh's own configuration fills in what is not said here. */
export type SshTarget = {
  /** Its name in the configuration. */
  server: string
  host: string
  user?: string
  port?: number
  /** Paths of private keys, or the text of one. */
  keys: readonly (string | Secret)[]
  /** true: ~/.ssh/config and the system's; false: none; else the path of one. */
  config: boolean | string
  /** Jump hosts as ssh's ProxyJump has them: `[user@]host[:port]`, several with commas. */
  proxy?: string
  /** Unknown host keys are refused. */
  strict: boolean
}

/** Refuses what ssh or a ProxyCommand's shell could take for an option or for code. */
export function checkTarget({ server, host, user }: SshTarget): void {
  if (!/^[^-\s'"`$\\;&<>|(){}][^\s'"`$\\;&<>|(){}]*$/.test(host))
    throw new JijiError('config.invalid', `${server}: ${JSON.stringify(host)} is not a host name`, {
      server,
      hint: 'use a host name, an IP address or an alias from the ssh configuration',
    })
  if (user !== undefined && !/^[^-\s'"`$\\;&<>|(){}][^\s'"`;&<>|(){}]*$/.test(user))
    throw new JijiError('config.invalid', `${server}: ${JSON.stringify(user)} is not a user name`, {
      server,
      hint: 'use the name of a user on the server',
    })
}

/** The jump hosts on the way to a target, nearest first, each of them a target of its own. */
export function jumpTargets(target: SshTarget, proxyJump: string | undefined): SshTarget[] {
  return (proxyJump?.split(',') ?? []).map(text => {
    const { server, keys, config, strict } = target
    return { server, keys, config, strict, ...jumpHost(text.trim(), target) }
  })
}

/** `[user@]host[:port]`, also as `ssh://…` and with an IPv6 address in brackets. */
function jumpHost(text: string, { server }: SshTarget): Pick<SshTarget, 'host' | 'user' | 'port'> {
  const parts = /^(?:ssh:\/\/)?(?:(?<user>.+)@)?(?:\[(?<v6>[^\]]+)\]|(?<host>[^:@/]+))(?::(?<port>\d+))?\/?$/.exec(
    text,
  )?.groups
  const host = parts?.v6 ?? parts?.host
  if (host === undefined)
    throw new JijiError('config.invalid', `${server}: ${JSON.stringify(text)} is not a jump host`, {
      server,
      hint: 'write it as [user@]host[:port]',
    })
  return {
    host,
    ...(parts?.user === undefined ? {} : { user: parts.user }),
    ...(parts?.port === undefined ? {} : { port: Number(parts.port) }),
  }
}
