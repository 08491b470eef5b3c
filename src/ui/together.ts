import type { Event } from '../deploy/event.ts'
import { followPace } from './pace.ts'

/** Events that differ in nothing but their server are told as one. */
export type Together = {
  /** Told of all events, also of those that nobody sees. */
  hear(event: Event): void
  /** Keeps one for a moment, until others like it have come; not one that has to be seen at once. */
  keeps(event: Event): boolean
  /** Shows what is kept, so that something else can be shown after it. */
  flush(): void
}

/** Milliseconds that an event is kept. */
const patience = 1000

/** @param show is given what stands for several servers, and those few that it has not come from yet */
export function tellTogether(show: (event: Event, missing: readonly string[]) => void): Together {
  const pace = followPace()
  const kept = new Map<string, { event: Event; servers: Set<string> }>()
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const groups = [...kept.values()]
    kept.clear()
    for (const { event, servers } of groups) show(asOne(event, servers.size), pace.missing(event))
  }
  return {
    hear: pace.hear,
    flush,
    keeps(event) {
      const { server, transfer: _, ...same } = event
      if (!server || !['begun', 'going on', 'done'].includes(event.state)) return false
      const key = JSON.stringify(same)
      const { servers } = kept.get(key) ?? { servers: new Set() }
      kept.set(key, { event, servers: servers.add(server) })
      timer ??= setTimeout(flush, patience)
      return true
    },
  }
}

function asOne(event: Event, servers: number): Event {
  if (servers === 1) return event
  const { transfer: _, ...same } = event
  return { ...same, server: `${servers} servers` }
}
