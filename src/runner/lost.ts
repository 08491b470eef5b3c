import { JijiError } from '../errors.ts'
import type { Link } from './link.ts'

/** ssh2 knows it a moment before the connection is closed. */
export function isLost({ lostBecause }: Link, error: Error): boolean {
  return lostBecause() !== undefined || ['Not connected', 'No response from server'].includes(error.message)
}

export function lostError({ peer, lostBecause }: Link, when: string, cause?: unknown): JijiError {
  return new JijiError(
    'server.lost',
    `the connection to ${peer.label} was lost ${when}: ${lostBecause() ?? 'the server closed it'}`,
    {
      server: peer.server,
      hint: `how far it got is not known: see \`jiji status -H ${peer.server}\`, then try again`,
      cause,
    },
  )
}
