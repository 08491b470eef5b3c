/** The milliseconds of a processor's time that this process has used: what it waited for one, on a busy machine, is none. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
