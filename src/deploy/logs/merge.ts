import type { Entry } from './entry.ts'

/**
 * Several logs as one, in the order of time. Of each only the next line is looked at, so that the rest can wait where
 * it is.
 */
export async function* mergeByTime<T extends Entry>(logs: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const heads = await Promise.all(
    logs.map(async log => {
      const lines = log[Symbol.asyncIterator]()
      return { lines, next: await lines.next() }
    }),
  )
  for (;;) {
    let first: (typeof heads)[number] | undefined
    for (const head of heads) {
      if (head.next.done) continue
      if (!first || head.next.value.at < first.next.value.at) first = head
    }
    if (!first) return
    yield first.next.value
    first.next = await first.lines.next()
  }
}

/** What comes from several sides within a moment, handed on in the order of time. */
export function window<T extends Pick<Entry, 'at'>>(milliseconds: number, show: (entry: T) => void) {
  let waiting: T[] = []
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const now = waiting.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    waiting = []
    for (const entry of now) show(entry)
  }
  return {
    add: (entry: T) => {
      waiting.push(entry)
      timer ??= setTimeout(flush, milliseconds)
    },
    flush,
  }
}
