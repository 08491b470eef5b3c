import type { ChalkInstance } from 'chalk'
import { lineReader } from '../runner/line-reader.ts'
import { maskedBytes } from './masked-bytes.ts'
import type { Printer } from './printer.ts'

type To = 'stdout' | 'stderr'

/** A line that somebody else wrote, after where it comes from: the same place has the same colour. */
export function showForeign(printer: Printer, place: string, text: string, to: To): void {
  const isOnTerminal = printer.streams[to].isTTY
  const line = printer.mask(text.replace(/\r$/, ''))
  const prefix = place && isOnTerminal ? colourOf(place, printer.colour)(`${place} |`) : `${place} |`
  printer.put(to, place ? `${prefix} ${line}` : line)
}

/** For what a command writes. Without a place, and for a program, that is passed on to the byte, but for the secrets in it. */
export function passOn(printer: Printer, to: To, place: string): { write: (chunk: Buffer) => void; end: () => void } {
  return place || printer.isForPeople(to)
    ? lineReader(line => showForeign(printer, place, line, to))
    : maskedBytes(bytes => printer.write(to, bytes), printer.secrets)
}

function colourOf(place: string, colour: ChalkInstance): (text: string) => string {
  const { cyan, yellow, green, magenta, blue, cyanBright, yellowBright, greenBright } = colour
  const colours = [cyan, yellow, green, magenta, blue, cyanBright, yellowBright, greenBright]
  const sum = [...place].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) >>> 0, 7)
  return colours[sum % colours.length] ?? cyan
}
