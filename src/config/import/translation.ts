import type { Document, Path, Position } from '../document.ts'
import { append, at, type Draft, isMap, put } from '../draft.ts'

/** What became of a key that could not be taken over as it is. */
export type Remark = Position & { key: string; state: 'left out' | 'changed'; why: string }

/** A configuration that is made of a file of another tool, and what is to be said about that file's keys. */
export type Translation = {
  draft: Draft
  /** Puts a value that stands in the file at `from`. */
  put(to: Path, value: unknown, from: Path): void
  append(to: Path, value: unknown, from: Path): void
  leave(from: Path, why: string): void
  change(from: Path, why: string): void
  /** Says why what was put at a path is about to be taken out of the draft. */
  takeBack(to: Path, why: string): void
  remarks(): Remark[]
}

export function translationOf({ locate }: Document): Translation {
  const draft: Draft = {}
  const remarks: Remark[] = []
  let origins: { to: Path; from: Path }[] = []
  const remark = (from: Path, state: Remark['state'], why: string) =>
    void remarks.push({ ...locate(from, 'key'), key: from.join('.'), state, why })
  // Of a list or a map, what came first into it says where it comes from.
  const originOf = (to: Path): Path => {
    const above = origins.filter(one => isWithin(to, one.to)).sort((x, y) => y.to.length - x.to.length)[0]
    const within = above?.to.length === to.length ? undefined : origins.find(one => isWithin(one.to, to))
    return (within ?? above)?.from ?? []
  }
  return {
    draft,
    put(to, value, from) {
      put(draft, to, value)
      origins.push({ to, from })
    },
    append: (to, value, from) => void origins.push({ to: append(draft, to, value), from }),
    leave: (from, why) => remark(from, 'left out', why),
    change: (from, why) => remark(from, 'changed', why),
    takeBack(to, why) {
      remark(originOf(to), 'left out', why)
      origins = origins.flatMap(one => moved(one, to, Array.isArray(at(draft, to.slice(0, -1)))) ?? [])
    },
    remarks: () => {
      const told = new Map(remarks.map(one => [`${one.line} ${one.key} ${one.why}`, one]))
      return [...told.values()].sort((a, b) => a.line - b.line || a.column - b.column)
    },
  }
}

function isWithin(path: Path, above: Path): boolean {
  return above.every((step, index) => path[index] === step)
}

/** Where something stands when something else has gone; nothing for what went with it. */
function moved<T extends { to: Path }>(one: T, gone: Path, isItem: boolean): T | undefined {
  if (isWithin(one.to, gone)) return undefined
  const last = gone.length - 1
  const index = one.to[last]
  const isAfter =
    isItem && isWithin(one.to, gone.slice(0, -1)) && typeof index === 'number' && index > Number(gone[last])
  return isAfter ? { ...one, to: one.to.with(last, index - 1) } : one
}

/** What becomes of a key: nothing (`''`), nothing for a reason, or what a function makes of it. */
type Rule = string | ((value: unknown, from: Path) => void)
export type Rules = Readonly<Record<string, Rule>>

/** Every key of a map goes by its rule; one that has none is left out, which is said. */
export function eachKey(translation: Translation, map: unknown, from: Path, rules: Rules, unknown: string): void {
  if (map === undefined) return
  if (!isMap(map)) {
    translation.leave(from, 'a map was expected here')
    return
  }
  for (const [key, value] of Object.entries(map)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : unknown
    if (value === undefined || rule === '' || rule === undefined) continue
    if (typeof rule === 'string') translation.leave([...from, key], rule)
    else rule(value, [...from, key])
  }
}

/** Leaves out what a map has besides the keys that are read. */
export function onlyKeys(translation: Translation, map: unknown, from: Path, known: readonly string[]): void {
  if (!isMap(map)) return
  const others = Object.keys(map).filter(key => !known.includes(key) && map[key] !== undefined)
  for (const key of others) translation.leave([...from, key], 'jiji has no such key')
}

/** Texts of a list, or one alone, each with its place; items that are something else are left out. */
export function textsIn(translation: Translation, value: unknown, from: Path): { text: string; from: Path }[] {
  if (typeof value === 'string') return [{ text: value, from }]
  if (!Array.isArray(value)) return wrong(translation, from)
  return value.flatMap((item, index) => {
    if (typeof item === 'string') return [{ text: item, from: [...from, index] }]
    return item === undefined ? [] : wrong(translation, [...from, index])
  })
}

/** Pairs of a map, or of a list of `NAME=VALUE`; without a value where there is no `=`. */
export function pairsIn(
  translation: Translation,
  value: unknown,
  from: Path,
): { name: string; text: string | undefined; from: Path }[] {
  if (isMap(value)) {
    return Object.entries(value).flatMap(([name, text]) => {
      if (text === undefined || typeof text === 'string') return [{ name, text, from: [...from, name] }]
      return wrong(translation, [...from, name])
    })
  }
  return textsIn(translation, value, from).map(({ text, from: at }) => {
    const equals = text.indexOf('=')
    return {
      name: equals < 0 ? text : text.slice(0, equals),
      text: equals < 0 ? undefined : text.slice(equals + 1),
      from: at,
    }
  })
}

/** Leaves out an item of a list that is being read. */
export function leaveItem(translation: Translation, from: Path, why: string): [] {
  translation.leave(from, why)
  return []
}

function wrong(translation: Translation, from: Path): [] {
  return leaveItem(translation, from, 'it is not of a form that is known here')
}

/** The keys that say the most come first. */
export function inOrder(service: Draft): Draft {
  const first = ['image', 'registry', 'build', 'hosts', 'command', 'entrypoint', 'proxy', 'ports', 'environment']
  const rank = (key: string) => (first.includes(key) ? first.indexOf(key) : first.length)
  return Object.fromEntries(Object.entries(service).sort(([a], [b]) => rank(a) - rank(b)))
}
