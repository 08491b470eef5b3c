import { readFileSync, type Stats, statSync } from 'node:fs'

/**
 * Whether GitHub's runner itself reads what a process writes there, and no file, and no program that wants it to the byte:
 * then the first process of the step has the same stream, which the runner gave it. Where nobody can tell, it does not.
 */
export function isReadByRunner(stream: object, runId: string, pid = process.pid): boolean {
  if (!('fd' in stream) || typeof stream.fd !== 'number') return false
  try {
    const step = firstOf(runId, pid)
    const own = statOf(pid, stream.fd)
    // Some shells have such a file themselves while they run a command that writes to it.
    if (own.isFile()) return false
    return [1, 2].map(fd => statOf(step, fd)).some(({ dev, ino }) => dev === own.dev && ino === own.ino)
  } catch {
    return false
  }
}

/** The outermost process of a step: the runner, above it, is not told of the run. */
function firstOf(runId: string, pid: number): number {
  const parent = parentOf(pid)
  return parent > 0 && isInRun(runId, parent) ? firstOf(runId, parent) : pid
}

function parentOf(pid: number): number {
  // The name, which may hold anything, is in brackets; then come the state and the parent.
  return Number(
    readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')[1],
  )
}

function isInRun(runId: string, pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`GITHUB_RUN_ID=${runId}`)
  } catch {
    return false // of somebody else
  }
}

function statOf(pid: number, fd: number): Stats {
  return statSync(`/proc/${pid}/fd/${fd}`)
}
