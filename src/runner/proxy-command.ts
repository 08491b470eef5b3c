import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { JijiError } from '../errors.ts'
import { DroppedEarly } from './dropped.ts'
import type { Peer } from './peer.ts'
import { endGroup } from './process-group.ts'
import type { Route } from './route.ts'

/** The way to a server through the stdin and stdout of a ProxyCommand. */
export function commandRoute(command: string, peer: Peer): Route {
  // In a process group of its own: a Ctrl-C in the terminal must not cut the connection before the clean-up.
  const child = execa('sh', ['-c', `exec ${command}`], { detached: true, stdin: 'pipe', buffer: false, reject: false })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000)
  })
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin })
  return {
    stream,
    explain(error) {
      if (error instanceof DroppedEarly) error.explanation = failed(peer, said.trim() || 'it ended')
      return error
    },
    async close() {
      stream.on('error', () => {}).destroy()
      endGroup(child.pid, 'SIGTERM')
      await Promise.race([child, sleep(1_000, undefined, { ref: false })])
      endGroup(child.pid, 'SIGKILL')
    },
  }
}

function failed({ server, label }: Peer, why: string): JijiError {
  return new JijiError('server.unreachable', `cannot reach ${label} through its ProxyCommand: ${why}`, {
    server,
    hint: 'run the ProxyCommand of your ssh configuration by hand and see what it says',
  })
}
