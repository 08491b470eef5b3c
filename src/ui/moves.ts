import type { Move } from '../deploy/plan/plan.ts'
import { renderSize } from '../deploy/size.ts'

/** What will go to a server, as far as it can be known before it is built. */
export function renderMove({ image }: Move, version: string): string {
  if (!image) return 'how much moves is not known before the first build'
  const { size, missing } = image
  const all = renderSize(size)
  if (image.version === version) {
    const same = `if ${version} is built as it was`
    return missing === 0
      ? `nothing moves ${same}: all ${all} are there`
      : `${renderSize(missing)} of ${all} move ${same}`
  }
  const changes = `what changed since ${image.version}`
  if (missing === 0) return `only ${changes} moves, of ${all}`
  return missing === size
    ? `about ${all} move, like ${image.version}`
    : `about ${renderSize(missing)} and ${changes} move, of ${all}`
}
