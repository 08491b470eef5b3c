import { JijiError } from '../errors.ts'
import { readBuilderAddress } from './builder-address.ts'
import type { Finding } from './issues.ts'
import type { Settings } from './schema.ts'

/** Images are built in one place. */
export function builderRules({ local, remote }: Settings['builder']): Finding[] {
  if (local === false && remote === undefined) {
    const message = 'remote is missing: without a builder elsewhere, this machine builds'
    const hint = 'add `remote: ssh://user@host`, or remove `local`'
    return [{ path: ['builder', 'local'], at: 'value', code: 'missing-key', message, hint }]
  }
  if (local === true && remote !== undefined) {
    const message = 'local: true and remote exclude each other'
    const hint = 'write local: false to build there, or remove `remote`'
    return [{ path: ['builder', 'remote'], at: 'key', code: 'conflict', message, hint }]
  }
  return remote === undefined ? [] : addressProblem(remote)
}

function addressProblem(remote: string): Finding[] {
  try {
    readBuilderAddress(remote)
    return []
  } catch (error) {
    if (!(error instanceof JijiError)) throw error
    const { message, hint } = error
    return [{ path: ['builder', 'remote'], at: 'value', code: 'wrong-value', message, ...(hint ? { hint } : {}) }]
  }
}
