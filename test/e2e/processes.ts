import { readdirSync, readFileSync } from 'node:fs'

export type Watch = {
  /**
   * Ends it. @returns the command lines of the processes that had one of the texts in their words or their environment,
   * and how often all were looked at
   */
  stop(): { seen: string[]; looks: number }
}

/**
 * Looks at every process's command line and environment again and again: this machine's and, because a rig's servers are namespaces
 * of it, those of all servers and containers too. Other tests run meanwhile: the texts must be in none of theirs.
 */
export function watchProcesses(texts: readonly string[]): Watch {
  const seen = new Set<string>()
  let looks = 0
  const look = () => {
    looks++
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      const line = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
      if (texts.some(text => line.includes(text))) seen.add(line)
      // jiji itself is given its secrets in the environment, by whoever starts it.
      if (line.includes('/dist/main.js')) continue
      const environment = read(`/proc/${pid}/environ`)
      if (texts.some(text => environment.includes(text))) seen.add(`in the environment of ${line}`)
    }
  }
  const timer = setInterval(look, 5)
  return {
    stop() {
      clearInterval(timer)
      return { seen: [...seen], looks }
    },
  }
}

/** Sees how much memory a process has had at most, in MB, until it is stopped. */
export function watchMemory(pid: number): { stop(): number } {
  let peak = 0
  const look = () => {
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1000)
  }
  const timer = setInterval(look, 100)
  return {
    stop() {
      clearInterval(timer)
      return peak
    },
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return '' // it has just ended
  }
}
