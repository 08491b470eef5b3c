import { stripVTControlCharacters } from 'node:util'
import type { ChalkInstance } from 'chalk'
import type { Event } from '../deploy/event.ts'
import { goingOn } from './going-on.ts'
import { harmless } from './harmless.ts'
import { isInBackground, onStop } from './job-control.ts'
import { renderLive } from './live-lines.ts'
import { columnsOf, inCharactersOf, rowsOf } from './terminal.ts'
import { widthOf } from './text-width.ts'

/** The last lines of a terminal, that show what is going on right now. The cursor stands below them, and is never hidden. */
export type Live = {
  hear(event: Event): void
  /** Prints something that stays, above them. */
  above(print: () => void): void
  /** Takes them away for as long as something else needs the terminal. */
  without<T>(use: () => Promise<T>): Promise<T>
  /** Takes them away for good. */
  end(): void
}

type World = {
  stream: NodeJS.WriteStream
  environment: Readonly<Record<string, string | undefined>>
  colour: ChalkInstance
  mask: (text: string) => string
}

/** Milliseconds between two looks at whether something is to be drawn, and after which numbers are drawn anew. */
const pace = 100
const tick = 500

/** Lines that are left to what was printed before. */
const margin = 4

/** Of a note of any length, no more than any terminal shows of it. */
const longest = 1000

export function startLive({ stream, environment, colour, mask }: World): Live {
  const now = performance.now.bind(performance)
  const going = goingOn(now)
  const shown = (text: string) => inCharactersOf(environment, mask(plain(text)))
  /** The lines that stand there. */
  let drawn: string[] = []
  let drawnAt = Number.NEGATIVE_INFINITY
  let isNews = false
  let isAway = false
  /** Whether the terminal is somebody else's, when that was asked last: not always is a process told that it has it back. */
  let isBehind = isInBackground()
  let askedAt = now()

  const size = () => ({ columns: columnsOf(stream, environment) ?? 80, rows: rowsOf(stream, environment) ?? 24 })
  // A line that has become too wide for the terminal is broken by it into several.
  const back = () => {
    const widths = drawn.map(line => widthOf(stripVTControlCharacters(line)))
    const height = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / size().columns)), 0)
    return height > 0 ? `\r\u001b[${height}A` : ''
  }
  const draw = () => {
    const { columns, rows } = size()
    const style = { width: columns - 1, height: Math.max(1, rows - margin), colour, shown }
    const lines = renderLive(going.scenes(), now(), style)
    if (lines.join('\n') !== drawn.join('\n'))
      stream.write(`${back()}${lines.map(line => `${line}\u001b[K\n`).join('')}\u001b[J`)
    drawn = lines
    drawnAt = now()
    isNews = false
  }
  const mayDraw = () => {
    if (isBehind && now() - askedAt >= tick) askWhose()
    return !isAway && !isBehind
  }
  const askWhose = () => {
    isBehind = isInBackground()
    askedAt = now()
  }
  /** What has come to stand below is not to be written over. */
  const leave = () => {
    drawn = []
    isNews = true
  }
  const goOn = () => {
    leave()
    askWhose()
  }
  const clear = () => {
    if (drawn.length > 0) stream.write(`${back()}\u001b[J`)
    leave()
  }
  const look = () => {
    const age = now() - drawnAt
    if (age >= pace && (isNews || age >= tick) && mayDraw()) draw()
  }
  const timer = setInterval(look, pace)
  const onResize = () => {
    if (mayDraw()) draw()
  }
  stream.on('resize', onResize)
  const forgetStops = onStop(clear, goOn)

  return {
    hear(event) {
      const { detail } = event
      going.hear({ ...event, ...(detail && { detail: mask(plain(mask(detail))).slice(0, longest) }) })
      isNews = true
    },
    above(print) {
      clear()
      print()
      // Together with what else is printed right now.
      setImmediate(look)
    },
    async without(use) {
      clear()
      isAway = true
      try {
        return await use()
      } finally {
        isAway = false
      }
    },
    end() {
      clear()
      isAway = true
      clearInterval(timer)
      stream.off('resize', onResize)
      forgetStops()
    },
  }
}

/** In one line, and without the colours that somebody else has given it. */
function plain(text: string): string {
  return harmless(stripVTControlCharacters(text).replace(/\s+/g, ' ')).trim()
}
