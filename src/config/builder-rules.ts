import { JijiError } from '../errors.ts'
import { readBuilderAddress } from './builder-address.ts'
import type { Finding } from './issues.ts'
import type { Settings } from './schema.ts'

/** Images are built in one place. */
export function builderRules({ builder: { local, remote }, services }: Settings): Finding[] {
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
  return remote === undefined ? [] : [...addressProblem(remote), ...lentKeys(services)]
}

/** Whoever rules a builder could use them for anything. */
function lentKeys(services: Settings['services']): Finding[] {
  return Object.entries(services)
    .filter(([, { build }]) => build && build.ssh.length > 0)
    .map(([name]) => ({
      path: ['services', name, 'build', 'ssh'],
      at: 'key',
      code: 'conflict',
      message: 'the agent and the keys of this machine are not lent to a builder elsewhere',
      hint: 'give the build a key of its own, as one of its `secrets`',
    }))
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
