import type { Path } from './document.ts'
import type { Finding } from './issues.ts'
import { nearest } from './nearest.ts'
import type { Settings } from './schema.ts'

/** What is wrong with a value that ought to be the name of a server. */
export function unknownServer(path: Path, written: string, { servers }: Settings): Finding[] {
  if (Object.hasOwn(servers, written)) return []
  const known = Object.keys(servers)
  const meant = nearest(written, known)
  return [
    {
      path,
      at: 'value',
      code: 'unknown-server',
      message: `there is no server ${written}`,
      hint: meant ? `did you mean ${meant}?` : `declared under servers: ${known.join(', ')}`,
    },
  ]
}
