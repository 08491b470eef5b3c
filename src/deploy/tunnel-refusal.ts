import { dialFrom } from '../registry/protocol/dial.ts'
import { RequestFailed } from '../registry/protocol/failure.ts'
import type { Connection } from '../runner/runner.ts'
import { sh } from '../shell/script.ts'
import { askVersion } from './ask-version.ts'
import { limits } from './limits.ts'

/** Why a server did not let a port be forwarded, and what would change that. */
export type Refusal = { cause: string; change: string }

/** For people: `port 80 is for root alone there, as all below 1024 are (builder.registry.port names another)`. */
export function wordsFor({ cause, change }: Refusal): string {
  return `${cause} (${change})`
}

/** sshd itself gives no reason: it is found out from what listens there, and from who asked. */
export async function whyNotPort(connection: Connection, port: number): Promise<Refusal> {
  const change = 'builder.registry.port names another'
  switch (await listenerOn(connection, port)) {
    case 'registry':
      return { cause: `port ${port} there leads to another registry`, change }
    case 'other':
      return { cause: `port ${port} is in use there, by something that does not answer as a registry`, change }
    case 'unknown':
      return { cause: `port ${port} is in use there, or its sshd does not let it be forwarded`, change }
    case 'nobody':
      return port < 1024 && !(await isRoot(connection))
        ? { cause: `port ${port} is for root alone there, as all below 1024 are`, change }
        : { cause: `its sshd does not let port ${port} be forwarded (PermitListen)`, change }
  }
}

/** The same where no other port is forwarded either. */
export async function whyNoPort(connection: Connection, port: number): Promise<Refusal> {
  const words = `PermitListen 127.0.0.1:${port}`
  switch (await listenerOn(connection, port)) {
    case 'registry':
    case 'other':
      return {
        cause: `port ${port} is in use there, and its sshd lets no other be forwarded`,
        change: `builder.registry.port names another, for which its sshd_config needs a PermitListen`,
      }
    case 'nobody':
      return {
        cause: `its sshd lets no port be forwarded`,
        change: `see that its sshd_config has AllowTcpForwarding yes (or remote) for this user, and no PermitListen, or ${words}`,
      }
    case 'unknown':
      return {
        cause: 'its sshd forbids tunnels',
        change: 'see that its sshd_config has AllowTcpForwarding yes (or remote) for this user',
      }
  }
}

/** `unknown` where its sshd does not let us look. */
async function listenerOn(connection: Connection, port: number): Promise<'registry' | 'other' | 'nobody' | 'unknown'> {
  try {
    const stream = await dialFrom(connection)('127.0.0.1', port, new AbortController().signal)
    const status = await askVersion(stream, limits.neighbour).catch(() => undefined)
    return status === 200 || status === 401 ? 'registry' : 'other'
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    return error.reason === 'ECONNREFUSED' ? 'nobody' : 'unknown'
  }
}

async function isRoot(connection: Connection): Promise<boolean> {
  const { stdout } = await connection.run(sh`id -u`, { timeout: limits.ask })
  return stdout.trim() === '0'
}
