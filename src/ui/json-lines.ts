import type { Event } from '../deploy/event.ts'

/**
 * With -o json a command that releases tells what happens as it happens: a document in each line, whose `type` says what it
 * is. The last line is the result or the error. The shape is described in docs/json.md.
 */
export type JsonLine = { schemaVersion: 1; type: 'event' | 'warning' | 'result' | 'error'; at: string }

export function jsonLine(type: JsonLine['type'], value: object): JsonLine {
  return { schemaVersion: 1, type, at: new Date().toISOString(), ...value }
}

/** What of an event is told. */
export function eventOf({ step, state, server, service, detail, transfer }: Event): object {
  return {
    step,
    state,
    ...(server && { server }),
    ...(service && { service }),
    ...(detail && { detail }),
    ...(transfer && { transfer }),
  }
}
