import type { Event } from '../deploy/event.ts'
import { readable } from './alike.ts'
import { goesWithoutSaying, isShownLive, renderEvent } from './event.ts'
import { groupOf } from './github.ts'
import type { Printer } from './printer.ts'
import { tellTogether } from './together.ts'

/** Tells of events as they come: a line each, but for those that are shown live, or told together with others like them. */
export type Narration = {
  /** Says how many servers events are about to come from. */
  expect(servers: number): void
  /** Of all events, also of those that nobody is told of. */
  hear(event: Event): void
  tell(event: Event): void
  /** Shows what is kept, so that something else can be shown after it. */
  flush(): void
}

export function narration(printer: Printer, { quiet, verbose }: { quiet: boolean; verbose: boolean }): Narration {
  let servers = 0
  const show = (event: Event, missing: readonly string[] = []) => {
    const others = missing.length > 0 ? `, not yet on ${missing.join(', ')}` : ''
    if (!quiet) printer.tell(renderEvent(event, printer.colour) + others, groupOf(event.step))
  }
  const together = tellTogether(show)
  return {
    expect(count) {
      servers = count
    },
    hear(event) {
      together.hear(event)
      printer.live?.hear(event)
    },
    tell(event) {
      if (goesWithoutSaying(event)) return
      if (printer.live && isShownLive(event)) return
      if (servers > readable && !verbose && together.keeps(event)) return
      show(event)
    },
    flush: together.flush,
  }
}
