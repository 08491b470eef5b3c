import { constants } from 'node:os'
import { execa } from 'execa'
import type { Script } from '../shell/script.ts'
import { reasonOf } from './abort.ts'
import { endGroup } from './process-group.ts'
import { readingFrom } from './reading.ts'
import type { Interactive, Reading } from './runner.ts'
import { runScript, type Shell } from './shell.ts'
import { defaultTimings } from './timings.ts'

/** Runs scripts on this machine, as the user who started us. */
export function localRunner(server: string, { grace = defaultTimings.grace } = {}): Interactive {
  return {
    server,
    async run(script, options = {}) {
      if (options.signal?.aborted) throw reasonOf(options.signal)
      return runScript(startShell(), script, { grace, ...options, server })
    },
    async attach(script) {
      const { exitCode, signal } = await execa('sh', ['-c', script.render()], { stdio: 'inherit', reject: false })
      return exitCode ?? 128 + constants.signals[signal ?? 'SIGKILL']
    },
    async close() {},
  }
}

/** Runs a script on this machine whose output is handed on as it comes; `ended` says how it ended. */
export function readLocally(script: Script, signal: AbortSignal): Reading {
  const { grace } = defaultTimings
  return readingFrom(hand => runScript(hand(startShell()), script, { signal, server: 'here', grace }))
}

/** In a process group of its own: a Ctrl-C in the terminal must reach us, and the script only through its stdin. */
function startShell(): Shell {
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
