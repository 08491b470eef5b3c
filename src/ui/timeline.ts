import type { Event } from '../deploy/event.ts'

/** A step of a deploy: where, and from when to when, in milliseconds since the timeline began. */
export type Span = Pick<Event, 'step' | 'server' | 'service' | 'detail'> & {
  from: number
  to: number
  outcome: 'done' | 'failed' | 'cut off'
}

/** What took how long, as far as events tell. */
export type Timeline = {
  hear(event: Event): void
  /** In the order of their beginnings; what goes on still is cut off now. */
  spans(): Span[]
}

/** One script goes through these, and tells only that it has done one. */
const chained: ReadonlySet<Event['step']> = new Set(['health', 'switch', 'drain', 'stop'])

export function timeline(now: () => number = performance.now.bind(performance)): Timeline {
  const start = now()
  const open = new Map<string, Span>()
  const closed: Span[] = []
  /** When a place was last heard of. */
  const heard = new Map<string, number>()
  return {
    hear({ step, state, server, service, detail }) {
      const place = JSON.stringify([server, service])
      const key = JSON.stringify([server, service, step])
      const what = { step, ...(server && { server }), ...(service && { service }), ...(detail && { detail }) }
      const at = now() - start
      if (state === 'begun') open.set(key, { ...what, from: at, to: at, outcome: 'cut off' })
      if (state === 'done' || state === 'failed' || state === 'stopped') {
        const from = open.get(key)?.from ?? (chained.has(step) ? heard.get(place) : undefined)
        if (from !== undefined) closed.push({ ...what, from, to: at, outcome: state === 'stopped' ? 'cut off' : state })
        open.delete(key)
      }
      if (state === 'begun' || state === 'done') heard.set(place, at)
    },
    spans() {
      const rest = [...open.values()].map(span => ({ ...span, to: now() - start }))
      return [...closed, ...rest].toSorted((one, other) => one.from - other.from || one.to - other.to)
    },
  }
}

/** The one that took longest. */
export function slowestOf(spans: readonly Span[]): Span | undefined {
  return spans.toSorted((one, other) => durationOf(other) - durationOf(one))[0]
}

export function durationOf({ from, to }: Span): number {
  return to - from
}

/** `s1 web health`; what is done here has no server. */
export function placeOf({ server, service }: Pick<Span, 'server' | 'service'>): string {
  return [server ?? 'here', service].filter(part => part).join(' ')
}
