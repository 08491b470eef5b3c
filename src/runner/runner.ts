import type { Duplex, Readable } from 'node:stream'
import type { Script } from '../shell/script.ts'

export type Output = { code: number; stdout: string; stderr: string }

export type RunOptions = {
  /** Gives up: the script's stdin ends, it cleans up, and `run` throws the signal's reason. */
  signal?: AbortSignal
  /** Ends the script's stdin too, but as the ordinary end of a script that waits for it: `run` returns its output. */
  until?: AbortSignal
  /** Milliseconds for the whole script; none by default. */
  timeout?: number
  /** What the script reads from its descriptor 3, once it has said `ready`. */
  input?: Readable
  /** Each line of output as it comes, without its newline. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

/** Where words run. A script that exits with another status than 0 is a result, not an error: the caller knows why. */
export interface Runner {
  /** The server's name in the configuration. */
  readonly server: string
  run(script: Script, options?: RunOptions): Promise<Output>
  close(): Promise<void>
}

/** A runner that reaches its server over SSH, and so can carry a tunnel. */
export interface Connection extends Runner {
  /** Where it was reached, by what ssh's configuration makes of the name. */
  readonly host: string
  /**
   * Listens on the server's 127.0.0.1 and joins each connection there to `target` here.
   * @returns the port, which sshd has chosen when `port` is 0
   * @throws JijiError tunnel.failed when the server refuses
   */
  forward(port: number, target: Target): Promise<Tunnel>
  /**
   * A stream to a port that the server reaches, opened by its sshd, which looks the name up there.
   * @throws JijiError tunnel.failed; its cause is what sshd said
   */
  dial(host: string, port: number): Promise<Duplex>
}

export type Target = {
  host: string
  port: number
  /** Looks at what a connection brings from the server, one for each; without one all of it is passed on. */
  guard?: () => Guard
  /** Told how many bytes go to the server. */
  onSent?: (bytes: number) => void
}

/** Says what of a chunk is passed on, and with what answer the connection is ended, if it is. */
export type Guard = (chunk: Buffer) => { pass: Buffer; refuse?: string }

type Tunnel = { readonly port: number; close(): Promise<void> }

export function canTunnel(runner: Runner): runner is Connection {
  return 'forward' in runner
}
