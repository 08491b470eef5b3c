/** How long ago something was, in its two largest units at most: `3m`, `2h 5m`, `4d 1h`. */
export function renderAge(since: string | undefined, now: Date): string {
  if (!since) return '-'
  const milliseconds = now.getTime() - new Date(since).getTime()
  return Number.isNaN(milliseconds) ? '-' : renderDuration(milliseconds)
}

/** A time in milliseconds in the same form. */
export function renderDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([amount]) => amount > 0)
  if (first < 0) return '0s'
  const shown = parts
    .slice(first, first + (first === 3 ? 1 : 2))
    .filter(([amount, unit]) => amount > 0 && (unit !== 's' || first === 3))
  return shown.map(([amount, unit]) => `${amount}${unit}`).join(' ')
}
