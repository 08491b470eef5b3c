import { constants } from 'node:os'
import { execa } from 'execa'
import type { Script } from '../shell/script.ts'
import { endGroup } from './process-group.ts'
import type { Shell } from './shell.ts'

/** In a process group of its own: a Ctrl-C in the terminal must reach us, and the script only through its stdin. */
export function startShell(): Shell {
  const child = execa('sh', { detached: true, stdin: 'pipe', buffer: false, reject: false })
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited: new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
      child.once('error', reject)
    }),
    closed: child.then(() => {}),
    kill: () => endGroup(child.pid, 'SIGKILL'),
  }
}

/** With our own stdin, stdout and stderr. */
export async function attachShell(script: Script): Promise<number> {
  const { exitCode, signal } = await execa('sh', ['-c', script.render()], { stdio: 'inherit', reject: false })
  return exitCode ?? 128 + constants.signals[signal ?? 'SIGKILL']
}
