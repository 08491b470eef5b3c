import { JijiError } from '../errors.ts'
import type { Link } from './link.ts'

export function lostError({ peer, lostBecause }: Link, when: string, cause?: unknown): JijiError {
  return new JijiError(
    'server.lost',
    `the connection to ${peer.label} was lost ${when}: ${lostBecause() ?? 'no reason given'}`,
    {
      server: peer.server,
      hint: `how far it got is not known: see \`jiji status -H ${peer.server}\`, then try again`,
      cause,
    },
  )
}
