import type { Path } from './document.ts'

/** A configuration that is being written: maps, lists and texts, as a file holds them. */
export type Draft = { [key: string]: unknown }

/** Puts a value where a path leads, in maps that are made on the way. */
export function put(draft: Draft, path: Path, value: unknown): void {
  const [last, ...above] = path.toReversed()
  let map = draft
  for (const step of above.toReversed()) {
    if (!isMap(map[step])) map[step] = {}
    map = map[step] as Draft
  }
  if (last !== undefined) map[last] = value
}

/** Puts a value at the end of the list to which a path leads, and gives the value's own path. */
export function append(draft: Draft, path: Path, value: unknown): Path {
  const list = at(draft, path)
  if (!Array.isArray(list)) {
    put(draft, path, [value])
    return [...path, 0]
  }
  return [...path, list.push(value) - 1]
}

/** Takes away a value, and what then is empty above it. */
export function remove(draft: Draft, path: Path): void {
  const above = at(draft, path.slice(0, -1))
  const last = path.at(-1)
  if (Array.isArray(above)) above.splice(Number(last), 1)
  else if (isMap(above)) delete above[last ?? '']
  const isEmpty = Array.isArray(above) ? above.length === 0 : isMap(above) && Object.keys(above).length === 0
  if (isEmpty && path.length > 1) remove(draft, path.slice(0, -1))
}

export function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, step) => {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return undefined
    return (node as Draft)[step]
  }, value)
}

export function isMap(value: unknown): value is Draft {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
