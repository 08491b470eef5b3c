export type Slots = { use<T>(action: () => Promise<T>): Promise<T> }

/** So many at a time, first come first served. */
export function slots(limit: number): Slots {
  const waiting: (() => void)[] = []
  let taken = 0

  const enter = async () => {
    if (taken < limit) taken += 1
    else await new Promise<void>(resolve => waiting.push(resolve))
  }
  const leave = () => {
    const next = waiting.shift()
    if (next) next()
    else taken -= 1
  }

  return {
    async use(action) {
      await enter()
      try {
        return await action()
      } finally {
        leave()
      }
    },
  }
}
