/** What a stream of this process, and its environment, say of the terminal that somebody reads at. */

type Environment = Readonly<Record<string, string | undefined>>
type Stream = { isTTY?: boolean | undefined; columns?: number | undefined; rows?: number | undefined }

/** As wide as the terminal is, or as COLUMNS says where there is none, or one that says 0. */
export function columnsOf(stream: Stream, environment: Environment): number | undefined {
  return (stream.isTTY && stream.columns) || numberIn(environment.COLUMNS)
}

/** Whether rows with sentences in them would become lists, of which a screen shows one or two. */
export function isNarrow(columns: number | undefined): boolean {
  return columns !== undefined && columns < 60
}

export function rowsOf(stream: Stream, environment: Environment): number | undefined {
  return (stream.isTTY && stream.rows) || numberIn(environment.LINES)
}

/** The first of these that is not empty counts, as POSIX has it. */
export function hasUtf8({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  return /(^|\.)utf-?8(@|$)/i.test(LC_ALL || LC_CTYPE || LANG || '')
}

/** Whether lines on it can be written anew; in CI it is one that is kept as a file, and read later. */
export function canRedraw(stream: Stream, { TERM, CI }: Environment): boolean {
  return Boolean(stream.isTTY) && !['', 'dumb'].includes(TERM ?? '') && ['', '0', 'false'].includes(CI ?? '')
}

/** What is written for people to read: without UTF-8, our own words do without characters outside ASCII. */
export function inCharactersOf(environment: Environment, text: string): string {
  return hasUtf8(environment) ? text : text.replace(/[…→]/g, character => (character === '…' ? '...' : '->'))
}

/** NO_COLOR and FORCE_COLOR are as no-color.org and force-color.org say, and the one that takes away counts more. */
export function isColoured(stream: Stream, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false
  if (FORCE_COLOR) return !['0', 'false'].includes(FORCE_COLOR)
  return Boolean(stream.isTTY) && TERM !== 'dumb'
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined
}
