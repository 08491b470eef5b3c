import type { Target } from '../runner/runner.ts'
import { type Flow, watchFlow } from './flow.ts'

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

export type Transfer = Required<Pick<Target, 'attend' | 'onRefused'>> & {
  /** The connections that are open. */
  flows: ReadonlySet<Flow>
  /** How many connections the registry has not taken. */
  refused(): number
  progress(): Progress
}

/** Watches a tunnel from this end: what is asked for is what was missing. */
export function watchTransfer(sizes: ReadonlyMap<string, number>, now: () => number = Date.now): Transfer {
  const asked = new Set<string>()
  const flows = new Set<Flow>()
  let sent = 0
  let refused = 0
  let since: number | undefined
  const onGet = (path: string) => {
    const digest = /\/blobs\/(\w+:[0-9a-f]+)$/.exec(path)?.[1]
    if (digest === undefined || !sizes.has(digest)) return
    since ??= now()
    asked.add(digest)
  }
  return {
    flows,
    attend(end) {
      const { flow, attendant } = watchFlow(end, onGet)
      flows.add(flow)
      return {
        ...attendant,
        onAnswer(chunk) {
          if (since !== undefined) sent += chunk.length
          attendant.onAnswer(chunk)
        },
        onEnd: () => void flows.delete(flow),
      }
    },
    onRefused() {
      refused += 1
    },
    refused: () => refused,
    progress() {
      const wanted = [...asked].reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0)
      const seconds = since === undefined ? 0 : (now() - since) / 1000
      const rate = seconds > 0 ? sent / seconds : 0
      const left = rate > 0 ? Math.max(0, wanted - sent) / rate : 0
      return { there: sizes.size - asked.size, parts: sizes.size, wanted, sent, rate, left }
    },
  }
}
