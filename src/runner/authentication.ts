import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware } from 'ssh2'
import { JijiError } from '../errors.ts'
import type { Identities, Identity } from './identities.ts'
import { fingerprint } from './known-hosts.ts'
import type { Peer } from './peer.ts'

export type Authentication = {
  /** What ssh2 asks for the next thing to try. */
  next: AuthHandlerMiddleware
  /** The fingerprint of the key that was tried last, which is the one that was accepted. */
  accepted(): { key?: string }
  refusal(peer: Peer, cause: Error): JijiError
}

export function authentication(user: string, identities: Identities): Authentication {
  const methods = [
    ...identities.offered.map(identity => methodOf(user, identity)),
    { type: 'none', username: user } as const,
  ]
  let tried = 0
  let accepted: readonly AuthenticationType[] = []
  let last: Identity | undefined
  return {
    next: (left, _partial, next) => {
      accepted = left ?? []
      last = identities.offered[tried]
      const method: AnyAuthMethod | false = methods[tried++] ?? false
      next(method as AnyAuthMethod) // false ends it, which the types do not say
    },
    accepted() {
      const key = last && ('key' in last ? last.key : last.agent.lastUsed)
      return key ? { key: fingerprint(key.getPublicSSH()) } : {}
    },
    refusal: (peer, cause) => refusal({ peer, user, identities, accepted, cause }),
  }
}

function methodOf(user: string, identity: Identity): AnyAuthMethod {
  return 'key' in identity
    ? { type: 'publickey', username: user, key: identity.key }
    : { type: 'agent', username: user, agent: identity.agent }
}

type Refusal = {
  peer: Peer
  user: string
  identities: Identities
  accepted: readonly AuthenticationType[]
  cause: Error
}

function refusal({ peer, user, identities, accepted, cause }: Refusal): JijiError {
  const offered = identities.offered.map(({ name }) => name)
  const why = /too many/i.test(cause.message)
    ? 'too many keys were offered'
    : offered.length === 0
      ? 'there was no key to offer'
      : `it accepted none of what was offered: ${offered.join(', ')}`
  return new JijiError('server.refused', `${peer.label} refused the user ${user}: ${why}`, {
    server: peer.server,
    hint: hintFor({ peer, user, identities, accepted, cause }),
    cause,
  })
}

function hintFor({ peer, user, identities, accepted, cause }: Refusal): string {
  const lines = []
  if (identities.skipped.length > 0) lines.push(`not used: ${identities.skipped.join(', ')}`)
  if (accepted.length > 0 && !accepted.includes('publickey'))
    lines.push(`the server accepts only ${accepted.join(', ')}, and only keys are used here`)
  else if (/too many/i.test(cause.message))
    lines.push('name the right key under `ssh: {keys: […]}`, or set IdentitiesOnly in your ssh configuration')
  else if (identities.offered.length === 0)
    lines.push('name a key under `ssh: {keys: […]}`, or add one to your ssh agent')
  else
    lines.push(
      `see that the user is right and that ~${user}/.ssh/authorized_keys on ${peer.address} has the public key; \`ssh -v\` shows more`,
    )
  return lines.join('\n')
}
