import type { SshSettings } from './ssh-config.ts'
import type { SshTarget } from './ssh-target.ts'

/** The other end of a connection, as messages name it. */
export type Peer = {
  /** The server's name in the configuration; for a jump host, that of the server behind it. */
  server: string
  /** `web1 (web1.example.com:22)`, or `the jump host bastion.example.com:22`. */
  label: string
  address: string
}

export function peerOf(
  { server }: SshTarget,
  { host, port }: SshSettings,
  { isJumpHost }: { isJumpHost: boolean },
): Peer {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return { server, address, label: isJumpHost ? `the jump host ${address}` : `${server} (${address})` }
}
