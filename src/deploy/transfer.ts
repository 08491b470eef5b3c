import { readOnly } from '../registry/local/read-only.ts'
import type { Target } from '../runner/runner.ts'

/** How far a server has got with what it fetches through a tunnel. Bytes are those on the wire. */
export type Progress = {
  /** Parts of images that it has not asked for: they were there. */
  there: number
  parts: number
  /** Bytes of the parts that it has asked for, as far as their sizes are known. */
  wanted: number
  sent: number
  /** Bytes in a second since the first part was asked for. */
  rate: number
  /** Seconds until all that was asked for is sent, at that rate. */
  left: number
}

export type Transfer = Required<Pick<Target, 'guard' | 'onSent'>> & { progress(): Progress }

/** Watches a tunnel from this end: what is asked for is what was missing. */
export function watchTransfer(sizes: ReadonlyMap<string, number>, now: () => number = Date.now): Transfer {
  const asked = new Set<string>()
  let sent = 0
  let since: number | undefined
  return {
    guard: () =>
      readOnly(path => {
        const digest = /\/blobs\/(\w+:[0-9a-f]+)$/.exec(path)?.[1]
        if (digest === undefined || !sizes.has(digest)) return
        since ??= now()
        asked.add(digest)
      }),
    onSent(bytes) {
      if (since !== undefined) sent += bytes
    },
    progress() {
      const wanted = [...asked].reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0)
      const seconds = since === undefined ? 0 : (now() - since) / 1000
      const rate = seconds > 0 ? sent / seconds : 0
      const left = rate > 0 ? Math.max(0, wanted - sent) / rate : 0
      return { there: sizes.size - asked.size, parts: sizes.size, wanted, sent, rate, left }
    },
  }
}
