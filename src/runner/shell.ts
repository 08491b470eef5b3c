import type { Readable, Writable } from 'node:stream'
import { JijiError } from '../errors.ts'
import { frame } from '../shell/frame.ts'
import type { Script } from '../shell/script.ts'
import { reasonOf, whenAborted } from './abort.ts'
import { collect, most } from './collect.ts'
import { handOver } from './hand-over.ts'
import type { Output, RunOptions } from './runner.ts'

/** A bare `sh` that has been started, here or on a server. */
export type Shell = {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /** Its exit code; rejects when nobody can know it. */
  exited: Promise<number>
  /** All of its output has been read; rejects when some of it is lost. */
  closed: Promise<void>
  kill(): void
}

/** Has a shell run one script. Its stdin stays open until the script has ended or is to end early. */
export async function runScript(
  shell: Shell,
  script: Script,
  options: RunOptions & { server: string; grace: number },
): Promise<Output> {
  const { server, grace, signal, until, timeout, input, onChunk } = options
  const stop = stopper(shell, grace, server)
  const over = new AbortController()

  shell.stdin.on('error', () => {}) // a script may end before all of it was read: then its exit code says why
  shell.stdin.write(frame(script, { isFed: input !== undefined }))
  const onLine = input ? feeding(shell, input, options.onLine, stop) : options.onLine
  const flooded = () => stop(wroteTooMuch(server))
  const read = (stream: 'stdout' | 'stderr') =>
    onChunk
      ? handOver(shell[stream], chunk => onChunk(chunk, stream), stop)
      : collect(shell[stream], onLine && (line => attempt(() => onLine(line, stream), stop)), flooded)
  const [stdout, stderr] = [read('stdout'), read('stderr')]

  whenAborted(signal, () => stop(reasonOf(signal)), over.signal)
  whenAborted(until, () => stop(), over.signal)
  const timer = timeout === undefined ? undefined : setTimeout(() => stop(tookTooLong(server, timeout)), timeout)

  try {
    const code = await Promise.race([shell.exited, stop.abandoned])
    stop.check()
    await outputRead(shell, stop.isAsked() ? quick : grace)
    stop.check()
    return { code, stdout: stdout(), stderr: stderr() }
  } catch (error) {
    shell.kill()
    stop.check()
    throw error
  } finally {
    clearTimeout(timer)
    stop.forget()
    over.abort()
  }
}

/** Hands over the input when the script is ready for it; input that breaks off ends the script. */
function feeding(
  shell: Shell,
  input: Readable,
  onLine: RunOptions['onLine'],
  stop: (why?: unknown) => void,
): NonNullable<RunOptions['onLine']> {
  input.on('error', stop)
  return (line, stream) => {
    if (line === 'ready' && stream === 'stdout') input.pipe(shell.stdin)
    onLine?.(line, stream)
  }
}

/** Milliseconds of silence that are enough when nobody waits for more output. */
const quick = 500

/**
 * A process that the script has left behind may keep its output open: after some silence it is not waited for. While
 * output waits for whoever takes it, that is no silence.
 */
async function outputRead(shell: Shell, silence: number): Promise<void> {
  let giveUp: () => void = () => {}
  const isHeld = () => shell.stdout.isPaused() || shell.stderr.isPaused()
  const timer = setTimeout(() => (isHeld() ? void timer.refresh() : giveUp()), silence)
  const heard = () => void timer.refresh()
  shell.stdout.on('data', heard)
  shell.stderr.on('data', heard)
  const silent = new Promise<void>(resolve => {
    giveUp = resolve
  })
  try {
    await Promise.race([shell.closed, silent.then(shell.kill)])
  } finally {
    clearTimeout(timer)
  }
}

/** Ends stdin, which the script answers with its clean-up; whoever has not ended after the grace is killed. */
function stopper(shell: Shell, grace: number, server: string) {
  let reason: unknown
  let timer: NodeJS.Timeout | undefined
  let abandon: (reason: unknown) => void = () => {}
  const abandoned = new Promise<never>((_, reject) => {
    abandon = reject
  })
  abandoned.catch(() => {})

  const stop = (why?: unknown) => {
    reason ??= why
    shell.stdin.end()
    timer ??= setTimeout(() => {
      shell.kill()
      reason = stuck(server, grace, reason)
      abandon(reason)
    }, grace)
  }
  return Object.assign(stop, {
    abandoned,
    isAsked: () => timer !== undefined,
    check: () => {
      if (reason !== undefined) throw reason
    },
    forget: () => clearTimeout(timer),
  })
}

function stuck(server: string, grace: number, reason: unknown): unknown {
  const isInterrupt = reason instanceof JijiError && reason.code === 'interrupted'
  if (reason !== undefined && !isInterrupt) return reason
  const seconds = `within ${grace / 1000} s of being asked to`
  return isInterrupt
    ? new JijiError('interrupted', `${server}: what was interrupted did not end ${seconds}`, { server, cause: reason })
    : new JijiError('server.timeout', `${server}: a command did not end ${seconds}`, { server })
}

function attempt(action: () => void, onFailure: (error: unknown) => void): void {
  try {
    action()
  } catch (error) {
    onFailure(error)
  }
}

function wroteTooMuch(server: string): JijiError {
  return new JijiError(
    'failed',
    `${server}: a command was stopped because it wrote more than ${most / 1024 ** 2} MiB`,
    {
      server,
      hint: `log in to ${server}: does its shell write something by itself, or has somebody taken it over?`,
    },
  )
}

function tookTooLong(server: string, timeout: number): JijiError {
  return new JijiError(
    'server.timeout',
    `${server}: a command was stopped because it did not end in ${timeout / 1000} s`,
    {
      server,
      hint: `see what keeps the server busy: log in to ${server} and look at its load, its disk and its container engine`,
    },
  )
}
