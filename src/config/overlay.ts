/** Lays one configuration over another: maps merge, lists and single values replace. */
export function overlay(base: unknown, over: unknown): unknown {
  if (over === undefined) return base
  if (!isMap(base) || !isMap(over)) return over
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) merged[key] = overlay(base[key], value)
  return merged
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
