import { readdirSync, readFileSync } from 'node:fs'

export type Usage = {
  /** The most memory that it had at a time, in MB. */
  memory: number
  /** The most files, sockets and pipes that it had open. */
  files: number
  /** Seconds of a processor, without those of what it has started. */
  processor: number
}

/** Looks at a process, in /proc, until `ended`. */
export async function watchUsage(pid: number, ended: Promise<unknown>): Promise<Usage> {
  const usage = { memory: 0, files: 0, processor: 0 }
  const look = () => {
    try {
      const [, peak = 0] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
      usage.memory = Math.max(usage.memory, Number(peak) / 1000)
      usage.files = Math.max(usage.files, readdirSync(`/proc/${pid}/fd`).length)
      const times = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
        .slice(11, 13)
      usage.processor = times.reduce((sum, ticks) => sum + Number(ticks) / 100, 0)
    } catch {} // it has just ended
  }
  const timer = setInterval(look, 20)
  await ended
  clearInterval(timer)
  return usage
}
