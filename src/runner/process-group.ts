/** Signals a process that leads a group, with all that it has started and that stayed in the group. */
export function endGroup(leader: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, signal)
  } catch {
    // All of them have ended already.
  }
}
