import { constants } from 'node:os'
import { execa } from 'execa'
import { reasonOf, whenAborted } from './abort.ts'
import { lineReader } from './line-reader.ts'
import { endGroup } from './process-group.ts'
import { defaultTimings } from './timings.ts'

export type ProgramOptions = {
  directory: string
  /** All of its environment. */
  environment: Readonly<Record<string, string>>
  signal: AbortSignal
  onLine: (line: string) => void
}

/**
 * Runs a program of this machine to its end, with what it has started; one that ignores SIGTERM is killed.
 * @returns its exit code
 * @throws Error of the system, with its `code`, when it cannot be started
 */
export async function runProgram(
  file: string,
  { directory, environment, signal, onLine }: ProgramOptions,
): Promise<number> {
  if (signal.aborted) throw reasonOf(signal)
  const child = execa(file, {
    cwd: directory,
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    detached: true,
    buffer: false,
    reject: false,
  })
  for (const stream of [child.stdout, child.stderr]) {
    const lines = lineReader(onLine)
    stream.on('data', lines.write).on('end', lines.end)
    stream.on('error', () => {}) // how the program ended says more
  }
  const exited = new Promise<number>((resolve, reject) => {
    child.once('exit', (code, name) => resolve(code ?? 128 + constants.signals[name ?? 'SIGKILL']))
    child.once('error', reject)
  })
  const over = new AbortController()
  let timer: NodeJS.Timeout | undefined
  whenAborted(
    signal,
    () => {
      endGroup(child.pid, 'SIGTERM')
      timer = setTimeout(() => endGroup(child.pid, 'SIGKILL'), defaultTimings.grace)
    },
    over.signal,
  )
  try {
    const code = await exited
    // What it has left behind may keep its output open.
    if (!signal.aborted) await Promise.race([child, new Promise(resolve => setTimeout(resolve, 500).unref())])
    if (signal.aborted) throw reasonOf(signal)
    return code
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}
