import type { Observation } from '../observe.ts'

/** The release that comes after all that the servers know of, so that ids sort by age even when clocks differ. */
export function nextRelease(observations: readonly Observation[], now: Date): string {
  const latest = observations
    .flatMap(({ releases, containers }) => [
      ...releases.map(({ id }) => id),
      ...containers.map(({ release }) => release),
    ])
    .toSorted()
    .at(-1)
  const stamp = now
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, '')
    .replace('T', '-')
  if (latest === undefined || stamp > latest) return stamp
  const [day = '', time = '0'] = latest.split('-')
  return `${day}-${String(Number(time) + 1).padStart(6, '0')}`
}
