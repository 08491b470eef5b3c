/** Some of a number of things: so many, so many of a hundred, or all. */
export type Share = { count: number } | { percent: number } | 'all'

export const shareForm = 'a whole number from 1 on, a percentage from 1% to 100%, or all'

export function parseShare(text: string): Share | undefined {
  if (text === 'all') return 'all'
  const [, digits, sign] = /^(\d{1,4})(%?)$/.exec(text) ?? []
  const number = Number(digits)
  if (digits === undefined || number < 1 || (sign && number > 100)) return undefined
  return sign ? { percent: number } : { count: number }
}

/** A percentage is a limit, so that half of three is one; but one there always is. */
export function countOf(share: Share, total: number): number {
  if (share === 'all') return Math.max(1, total)
  return 'count' in share ? share.count : Math.max(1, Math.floor((total * share.percent) / 100))
}
