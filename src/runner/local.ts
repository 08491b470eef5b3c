import type { Script } from '../shell/script.ts'
import { reasonOf } from './abort.ts'
import { readingFrom } from './reading.ts'
import type { Interactive, Reading } from './runner.ts'
import { runScript } from './shell.ts'
import { defaultTimings } from './timings.ts'

/** Runs scripts on this machine, as the user who started us. What starts them is loaded with the first. */
export function localRunner(server: string, { grace = defaultTimings.grace } = {}): Interactive {
  return {
    server,
    async run(script, options = {}) {
      const { startShell } = await import('./local-shell.ts')
      if (options.signal?.aborted) throw reasonOf(options.signal)
      return runScript(startShell(), script, { grace, ...options, server })
    },
    async attach(script) {
      const { attachShell } = await import('./local-shell.ts')
      return attachShell(script)
    },
    async close() {},
  }
}

/** Runs a script on this machine whose output is handed on as it comes; `ended` says how it ended. */
export function readLocally(script: Script, signal: AbortSignal): Reading {
  const { grace } = defaultTimings
  return readingFrom(async hand => {
    const { startShell } = await import('./local-shell.ts')
    return runScript(hand(startShell()), script, { signal, server: 'here', grace })
  })
}
