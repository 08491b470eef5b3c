import type { ChalkInstance } from 'chalk'
import type { Progress } from '../deploy/transfer.ts'
import { renderDoing, renderLast } from './event.ts'
import type { Doing, Scene } from './going-on.ts'
import { renderProgress } from './progress.ts'
import { cut, pad, widthOf } from './text-width.ts'

export type LiveStyle = {
  width: number
  /** Lines at the most. */
  height: number
  colour: ChalkInstance
  /** Makes a text harmless to print, and does without characters that the terminal has not. */
  shown: (text: string) => string
}

/** A line: of whom it is true, what they do, or did last, and since when they do. What moves has numbers, and comes first. */
type Row = { places: readonly string[]; text: string; since?: number; moving?: { text: string; transfer: Progress } }

/**
 * What is going on at each server, and for how long. Where that is more than fits, those that do the same share a line,
 * those that do something come first, and the last line counts the others.
 */
export function renderLive(scenes: readonly Scene[], now: number, style: LiveStyle): string[] {
  const rows = scenes.flatMap(rowsOf)
  const some = rows.length > style.height ? busyFirst(alike(rows)) : rows
  const fit = some.length > style.height ? some.slice(0, style.height - 1) : some
  const rest = some.slice(fit.length)
  return [...renderRows(fit, now, style), ...(rest.length > 0 ? [renderRest(rest, fit.length === 0, style)] : [])]
}

function renderRows(rows: readonly Row[], now: number, { width, colour, shown }: LiveStyle): string[] {
  const most = Math.floor(width / 3)
  const places = rows.map(row => shown(placesOf(row, most)))
  const ages = rows.map(({ since }) => (since === undefined ? '' : renderSeconds(now - since)))
  const placeWidth = Math.min(most, Math.max(0, ...places.map(widthOf)))
  const ageWidth = Math.max(4, ...ages.map(age => age.length))
  const mark = shown('…')
  return rows.map((row, index) => {
    const { since } = row
    const place = pad(cut(places[index] ?? '', placeWidth, mark), placeWidth)
    const age = (ages[index] ?? '').padStart(ageWidth)
    const said = cut(shown(textOf(row)), width - placeWidth - ageWidth - 3, mark)
    return `${colour.cyan(place)} ${age}  ${since === undefined ? colour.dim(said) : said}`.trimEnd()
  })
}

function renderRest(rows: readonly Row[], isAll: boolean, { width, colour, shown }: LiveStyle): string {
  const count = sumOf(rows, ({ places }) => places.length)
  const busy = sumOf(rows, ({ places, since }) => (since === undefined ? 0 : places.length))
  const text = `${isAll ? `${count} places` : `and ${count} more`}, ${busy === 0 ? 'none' : busy} of them busy`
  return colour.dim(cut(text, width, shown('…')))
}

/** One for a server; of this machine one for each thing that it does. */
function rowsOf({ server, doing, last }: Scene): Row[] {
  if (server === undefined) return doing.map(one => rowOf('here', [one]))
  if (doing.length > 0) return [rowOf(server, doing)]
  return last ? [{ places: [server], text: renderLast(last) }] : []
}

function rowOf(place: string, doing: readonly Doing[]): Row {
  const told = doing.map(one => ({ one, transfer: one.progress?.() }))
  const first = told.find(({ transfer }) => transfer !== undefined && transfer.wanted > 0)
  const others = told.filter(one => one !== first).map(({ one }) => renderDoing(one))
  return {
    places: [place],
    text: others.join(', '),
    since: Math.min(...doing.map(({ since }) => since)),
    // Without the names of what moves, for the numbers to fit.
    ...(first?.transfer && { moving: { text: renderDoing({ step: first.one.step }), transfer: first.transfer } }),
  }
}

function textOf({ text, moving }: Row): string {
  return [...(moving ? [`${moving.text}: ${renderProgress(moving.transfer)}`] : []), text]
    .filter(part => part)
    .join(', ')
}

/** Those with the same text as one, from when the first of them began. */
function alike(rows: readonly Row[]): Row[] {
  const groups = new Map<string, Row>()
  for (const row of rows) {
    const key = JSON.stringify([row.text, row.moving?.text, row.since === undefined])
    const group = groups.get(key)
    groups.set(key, group ? asOne(group, row) : row)
  }
  return [...groups.values()]
}

function asOne(one: Row, other: Row): Row {
  const { text, since, moving } = one
  const sum = moving && other.moving ? added(moving.transfer, other.moving.transfer) : undefined
  return {
    text,
    places: [...one.places, ...other.places],
    ...(since !== undefined && { since: Math.min(since, other.since ?? since) }),
    ...(moving && sum && { moving: { ...moving, transfer: sum } }),
  }
}

function added(one: Progress, other: Progress): Progress {
  return {
    there: one.there + other.there,
    parts: one.parts + other.parts,
    wanted: one.wanted + other.wanted,
    sent: one.sent + other.sent,
    rate: one.rate + other.rate,
    left: Math.max(one.left, other.left),
  }
}

function busyFirst(rows: readonly Row[]): Row[] {
  const isIdle = ({ since }: Row) => Number(since === undefined)
  return rows.toSorted((one, other) => isIdle(one) - isIdle(other))
}

/** Their names, where those are few and fit. */
function placesOf({ places }: Row, most: number): string {
  const names = places.join(', ')
  return places.length === 1 || widthOf(names) <= most ? names : `${places.length} servers`
}

function sumOf(rows: readonly Row[], numberOf: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + numberOf(row), 0)
}

/** `12s`, `2m 5s`, `1h 2m`: goes on ticking for as long as anybody watches. */
function renderSeconds(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)]
  if (hours > 0) return `${hours}h ${minutes % 60}m`
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`
}
