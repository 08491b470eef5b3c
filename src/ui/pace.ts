import type { Event, Step } from '../deploy/event.ts'

/** Follows how far servers have got with what they have begun. */
export type Pace = {
  hear(event: Event): void
  /** The last few servers on which it is begun, and not as far as on others. */
  missing(event: Event): string[]
}

const few = 3

export function followPace(): Pace {
  const begun = sets()
  const done = sets()
  return {
    hear(event) {
      const { state, server } = event
      if (!server) return
      if (state === 'begun') begun.of(beginningOf(event)).add(server)
      if (state === 'failed' || state === 'stopped') begun.of(beginningOf(event)).delete(server)
      if (state === 'done') done.of(endOf(event)).add(server)
    },
    missing(event) {
      // What has nothing to be drained says nothing of it.
      if (event.state !== 'done' || event.step === 'drain') return []
      const missing = [...begun.of(beginningOf(event))].filter(server => !done.of(endOf(event)).has(server))
      return missing.length > few ? [] : missing
    },
  }
}

/** Steps of which the first alone says that it begins, for all of them. */
const replacing: readonly Step[] = ['start', 'health', 'switch', 'drain', 'stop']

function beginningOf(event: Event): string {
  return replacing.includes(event.step) ? JSON.stringify(['start', event.service]) : endOf(event)
}

function endOf({ step, service, detail }: Event): string {
  return JSON.stringify([step, service, detail])
}

function sets() {
  const all = new Map<string, Set<string>>()
  const of = (key: string) => {
    const set = all.get(key) ?? new Set()
    all.set(key, set)
    return set
  }
  return { of }
}
