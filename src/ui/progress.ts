import { renderSize } from '../deploy/size.ts'
import type { Progress } from '../deploy/transfer.ts'

/** While it goes on: `40 of 200 MB, 31 MB/s, 5 s left`. */
export function renderProgress({ wanted, sent, rate, left }: Progress): string {
  if (wanted === 0) return 'nothing has been asked for yet'
  if (sent >= wanted) return `${renderSize(wanted)} are there, and are being unpacked`
  return `${renderSize(sent)} of ${renderSize(wanted)}, ${renderSize(rate)}/s, ${Math.ceil(left)} s left`
}

/** In the end: `2 of 7 layers, 41 MB`. */
export function renderTransfer({ there, parts, sent }: Progress): string {
  return there === parts
    ? 'all of it was there'
    : `${parts - there} of ${parts} parts were missing, ${renderSize(sent)}`
}
