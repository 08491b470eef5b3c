/** A line of a container's log, and when it was written: in UTC with nine digits, so that text sorts as time does. */
export type Entry = { at: string; text: string }

/** Reads a line as engines write it with --timestamps; anything else is the engine's own word. */
export function parseEntry(line: string): Entry | undefined {
  const [whole, seconds = '', fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: |$)/.exec(line) ?? []
  if (whole === undefined) return undefined
  const utc = zone === 'Z' ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19)
  return { at: `${utc}.${fraction.padEnd(9, '0')}Z`, text: joined(line.slice(whole.length)).replace(/\r$/, '') }
}

/** Docker stores a line in pieces of 16 KiB, and puts the time before each of them. */
function joined(text: string): string {
  if (Buffer.byteLength(text) <= piece) return text
  const stamp = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g
  return text.replace(stamp, (found, offset: number) => (offset >= piece / 4 ? '' : found))
}

const piece = 16_384
