import { JijiError } from '../../errors.ts'
import type { Runner } from '../../runner/runner.ts'

/** Opens a connection; `lost` says which one it is to replace. */
export type OpenConnection = (lost?: JijiError) => Promise<Runner>

export type Connections = {
  /** Does what may run long and may be begun again: over a new connection when one is lost. */
  use<T>(work: (runner: Runner) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A connection carries 8 sessions: what waited for one of those that stay would wait for ever. */
const mostAtOnce = 6

/** As many connections to a server as its work needs. The first one is the caller's to close. */
export function connectionsTo(first: Runner, open: OpenConnection): Connections {
  const opened: Promise<Runner>[] = []
  const lanes = [{ runner: Promise.resolve(first), taken: 0 }]
  const begin = (lost?: JijiError) => {
    const runner = open(lost)
    opened.push(runner)
    return runner
  }
  const freeLane = () => {
    const free = lanes.find(({ taken }) => taken < mostAtOnce)
    if (free) return free
    const lane = { runner: begin(), taken: 0 }
    lanes.push(lane)
    return lane
  }
  return {
    async use(work) {
      const lane = freeLane()
      lane.taken += 1
      try {
        for (;;) {
          const { runner } = lane
          try {
            return await work(await runner)
          } catch (error) {
            if (!(error instanceof JijiError) || error.code !== 'server.lost') throw error
            if (lane.runner === runner) lane.runner = begin(error)
          }
        }
      } finally {
        lane.taken -= 1
      }
    },
    async close() {
      const runners = await Promise.allSettled(opened)
      await Promise.all(runners.map(one => (one.status === 'fulfilled' ? one.value.close() : undefined)))
    },
  }
}
