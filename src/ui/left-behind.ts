import type { Event } from '../deploy/event.ts'
import { renderTable } from './table.ts'

/** What stays on servers if this process ends now, as far as events tell. */
export type LeftBehind = {
  hear(event: Event): void
  servers(): string[]
  /** A row for all servers with the same. */
  render(width?: number): string
}

export function leftBehind(): LeftBehind {
  const held = new Map<string, Event>()
  const servers = () => [...new Set([...held.values()].flatMap(({ server }) => server ?? []))].toSorted()
  return {
    servers,
    hear(event) {
      const { step, state, server, service } = event
      const key = JSON.stringify([server, service, step])
      if (state === 'held') held.set(key, event)
      if (state === 'let go') held.delete(key)
    },
    render(width) {
      const rows = new Map<string, string[]>()
      for (const server of servers()) {
        const own = [...held.values()].filter(one => one.server === server)
        const text = own.map(wordsFor).join(', ')
        rows.set(text, [...(rows.get(text) ?? []), server])
      }
      return renderTable(
        ['may be left', 'on'],
        [...rows].map(([text, names]) => [text, names.join(', ')]),
        width,
      )
    },
  }
}

function wordsFor({ step, service, detail }: Event): string {
  if (step === 'lock') return 'the lock'
  if (step === 'tunnel') return 'a tunnel'
  return step === 'switch' ? `${service} ${detail}, switched and not on record` : `${detail}`
}
