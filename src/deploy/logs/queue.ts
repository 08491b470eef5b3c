/** What one side puts in and the other takes out; who puts in more than there is room for is told to wait. */
export function queue<T>(room: number) {
  const items: T[] = []
  let isOver = false
  let wakeReader: () => void = () => {}
  const wakeWriters: (() => void)[] = []

  return {
    /** @returns a promise when it is full, until there is room again */
    put(item: T): Promise<void> | undefined {
      items.push(item)
      wakeReader()
      return items.length < room ? undefined : new Promise(resolve => wakeWriters.push(resolve))
    },
    end(): void {
      isOver = true
      wakeReader()
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<T> {
      for (;;) {
        const batch = items.splice(0)
        for (const wake of wakeWriters.splice(0)) wake()
        yield* batch
        if (items.length > 0) continue
        if (isOver) return
        await new Promise<void>(resolve => {
          wakeReader = resolve
        })
      }
    },
  }
}
