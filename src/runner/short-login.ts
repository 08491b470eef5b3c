import type { Client, ParsedKey } from 'ssh2'

/**
 * Spares the round trips that ssh2 makes to log in and could do without. This reaches into ssh2 1.17 (lib/client.js, `connect`;
 * lib/protocol/Protocol.js, `authPK`), before it has sent anything: where it finds it otherwise than here, all stays as it was.
 */
export function shortenLogin(client: Client): void {
  const protocol = (client as Partial<Inside>)._protocol
  if (!protocol?._handlers?.SERVICE_ACCEPT || !protocol.authPK) return
  logInWithoutWaiting(protocol._handlers)
  signWithoutAsking(protocol)
  leaveOtherHostKeys(protocol._handlers)
}

type Inside = { _protocol: Protocol }
type Protocol = { _handlers: Handlers; authPK(user: string, key: ParsedKey, algorithm?: string, sign?: unknown): void }
type Handlers = Record<
  'SERVICE_ACCEPT' | 'EXT_INFO' | 'USERAUTH_PK_OK' | 'GLOBAL_REQUEST',
  (protocol: Protocol, name?: unknown, ...more: unknown[]) => void
>

/**
 * The answer to the request for `ssh-userauth` need not be waited for where the server has signed the key exchange, as
 * every server here has (RFC 4253, section 10). With sshd that spares a round trip after the login: until then it sends
 * nothing new before the last has been acknowledged (Nagle), and this way its SUCCESS and what follows go together. Which
 * signatures it takes must be known: EXT_INFO says so, right behind its NEWKEYS (RFC 8308, section 2.4). A server that
 * sends none is waited for.
 */
function logInWithoutWaiting(handlers: Handlers): void {
  const { SERVICE_ACCEPT, EXT_INFO } = handlers
  let hasBegun = false
  const begin: Handlers['SERVICE_ACCEPT'] = (protocol, service) => {
    if (hasBegun) return
    hasBegun = true
    SERVICE_ACCEPT(protocol, service)
  }
  handlers.SERVICE_ACCEPT = begin
  handlers.EXT_INFO = (protocol, ...rest) => {
    EXT_INFO(protocol, ...rest)
    begin(protocol, 'ssh-userauth')
  }
}

/**
 * A key that lies here signs at once, instead of when the server has said that it would take it (RFC 4252, section 7):
 * what it signs is good for this connection alone. An agent is not bothered before, since it may ask its owner.
 */
function signWithoutAsking(protocol: Protocol): void {
  const { authPK } = protocol
  protocol.authPK = (user, key, ...rest) => {
    const [, sign] = rest
    if (sign || !key.isPrivateKey()) authPK.call(protocol, user, key, ...rest)
    else protocol._handlers.USERAUTH_PK_OK(protocol)
  }
}

/**
 * sshd offers to prove its other host keys (OpenSSH's PROTOCOL, hostkeys-00), which takes it a signature each: nobody
 * here would keep them.
 */
function leaveOtherHostKeys(handlers: Handlers): void {
  const { GLOBAL_REQUEST } = handlers
  handlers.GLOBAL_REQUEST = (protocol, name, ...rest) => {
    if (name !== 'hostkeys-00@openssh.com') GLOBAL_REQUEST(protocol, name, ...rest)
  }
}
