/** Puts things into groups as they come: the answer is the group of one, to look at and to add to. */
export function grouped<T>(keyOf: (one: T) => string): (one: T) => T[] {
  const groups = new Map<string, T[]>()
  return one => {
    const key = keyOf(one)
    const group = groups.get(key) ?? []
    groups.set(key, group)
    return group
  }
}
