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
  /** Milliseconds that its clean-up may take, where that is longer than usual. */
  grace?: number
  /** What the script reads from its descriptor 3, once it has said `ready`. */
  input?: Readable
  /** Another script comes right after it, whose shell a server starts meanwhile: that takes two round trips. */
  isFollowed?: boolean
  /** What it writes is a secret: no log keeps it. */
  isPrivate?: boolean
  /** Each line of output as it comes, without its newline. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /**
   * Takes the output as it comes, and then nothing of it is kept: for output that is large or has no end. Nothing more
   * is read until the promise is fulfilled.
   */
  onChunk?: (chunk: Buffer, stream: 'stdout' | 'stderr') => Promise<void> | undefined
}

/** Where words run. A script that exits with another status than 0 is a result, not an error: the caller knows why. */
export interface Runner {
  /** The server's name in the configuration. */
  readonly server: string
  /** How a person gets there: what stands behind `ssh`. Nothing where that is this machine. */
  readonly sshWords?: string
  run(script: Script, options?: RunOptions): Promise<Output>
  close(): Promise<void>
}

/** Where somebody sits: `name` is the kind of terminal, for TERM. */
export type Terminal = { input: NodeJS.ReadStream; output: NodeJS.WriteStream; name: string }

/** A runner that can lend somebody's terminal to a script, which is its only stdin then. */
export interface Interactive extends Runner {
  /** @returns the script's exit code */
  attach(script: Script, terminal: Terminal, signal: AbortSignal): Promise<number>
}

/** A runner that reaches its server over SSH, and so can carry a tunnel. */
export interface Connection extends Runner {
  readonly address: SshAddress
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
  /** Runs a script whose output is bytes and no text. */
  read(script: Script, signal: AbortSignal): Reading
}

/** Where a server was reached, as whom, and what it proved to be, so that another can be told how to get there. */
export type SshAddress = {
  user: string
  host: string
  port: number
  /** Its type and the key itself, as known_hosts has them. */
  hostKey: string
  /** The fingerprint of the user's key that it took. */
  key?: string
}

/** What a script writes, handed on as it comes, and how it ended. */
export type Reading = { stream: Readable; ended: Promise<Output> }

export type Target = {
  host: string
  port: number
  /** Looks after one connection, which it may end; without it all is passed on. */
  attend?: (end: () => void) => Attendant
  /** Told that the target took no connection. */
  onRefused?: () => void
  /** Told of an address that is not the server's own, from which somebody tried to come through. */
  onStranger?: (address: string) => void
}

export type Attendant = {
  /** Looks at what comes from the server. */
  guard: Guard
  /** Told what the target answers, before it goes on its way, and then how much of it has gone. */
  onAnswer?(chunk: Buffer): void
  onTaken?(bytes: number): void
  onEnd?(): void
}

/** Says what of a chunk is passed on, and with what answer the connection is ended, if it is. */
export type Guard = (chunk: Buffer) => { pass: Buffer; refuse?: string }

type Tunnel = { readonly port: number; close(): Promise<void> }

export function canTunnel(runner: Runner): runner is Connection {
  return 'forward' in runner
}

export function canAttach(runner: Runner): runner is Interactive {
  return 'attach' in runner
}
