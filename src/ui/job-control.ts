import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Calls `before` when Ctrl-Z is about to stop this process, and `after` when it goes on, whatever has stopped it: a shell
 * has written to the terminal meanwhile. @returns what ends that
 */
export function onStop(before: () => void, after: () => void): () => void {
  const listen = () => void process.on('SIGTSTP', stop)
  const ignore = () => void process.off('SIGTSTP', stop)
  const stop = () => {
    before()
    ignore()
    process.kill(process.pid, 'SIGTSTP')
  }
  const goOn = () => {
    ignore()
    listen()
    after()
  }
  listen()
  process.on('SIGCONT', goOn)
  return () => {
    ignore()
    process.off('SIGCONT', goOn)
  }
}

/** Whether a shell has the terminal to itself meanwhile, as after `&` or `bg`: what would be drawn there is over its prompt. */
export function isInBackground(): boolean {
  try {
    const [own = 0, terminals = 0] = processGroups()
    return terminals > 0 && own !== terminals
  } catch {
    return false
  }
}

/** This process's own, and the one that its terminal belongs to. */
function processGroups(): number[] {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-o', 'pgid=', '-o', 'tpgid=', '-p', `${process.pid}`], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
      .map(Number)
  const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')
  return [group, foreground].map(Number)
}
