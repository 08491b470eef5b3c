const unitMilliseconds: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

export const durationForm = 'a duration such as 60s, 1m30s or 500ms'

/** Nothing that a deploy waits for takes longer, and a timer of 25 days would go off at once. */
export const longestDuration = 24 * 3_600_000

/** `500ms`, `60s`, `1m30s`; a bare number is seconds. In milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h)/g)]
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMilliseconds[unit ?? 's'] ?? 0), 0)
}
