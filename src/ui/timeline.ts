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
  const close = (key: string, { step, server, service, detail }: Event, outcome: Span['outcome'], place: string) => {
    const from = open.get(key)?.from ?? (chained.has(step) ? heard.get(place) : undefined)
    if (from === undefined) return
    const what = { ...(server && { server }), ...(service && { service }), ...(detail && { detail }) }
    closed.push({ step, ...what, from, to: now() - start, outcome })
    open.delete(key)
  }
  return {
    hear(event) {
      const { step, state, server, service, detail } = event
      const place = JSON.stringify([server, service])
      const key = JSON.stringify([server, service, step])
      const known = { step, ...(server && { server }), ...(service && { service }), ...(detail && { detail }) }
      if (state === 'begun') open.set(key, { ...known, from: now() - start, to: 0, outcome: 'cut off' })
      if (state === 'done') close(key, event, 'done', place)
      if (state === 'failed') close(key, event, 'failed', place)
      if (state === 'begun' || state === 'done') heard.set(place, now() - start)
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
