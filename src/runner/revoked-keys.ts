import { readFileSync } from 'node:fs'
import { execaSync } from 'execa'
import { typeOf } from './known-hosts.ts'

/**
 * Whether a file that RevokedHostKeys names has a key (in SSH's wire format): it holds public keys, a line each, or what
 * `ssh-keygen -k` makes of them, which only ssh-keygen reads.
 * @throws Error when that cannot be known
 */
export function isRevokedBy(file: string, key: Buffer): boolean {
  const contents = readFileSync(file, 'latin1')
  const base64 = key.toString('base64')
  if (!contents.startsWith('SSHKRL\n\0')) return contents.split(/\s+/).includes(base64)
  // It opens its input by name, which cannot be done with the socket that Node makes of a pipe.
  const check = 'cat | ssh-keygen -Q -f "$1" /dev/stdin'
  const { exitCode, stderr, shortMessage } = execaSync('sh', ['-c', check, 'sh', file], {
    input: `${typeOf(key)} ${base64}\n`,
    reject: false,
  })
  if (exitCode === 0 || exitCode === 1) return exitCode === 1
  throw new Error(stderr || shortMessage)
}
