import { JijiError } from '../../errors.ts'
import { readDocument } from '../document.ts'
import { isMap } from '../draft.ts'

/** Nobody's file is longer, and what is nested without end takes long to be read. */
const longest = 500_000

/**
 * Whose file it is, by what is in it.
 * @throws JijiError usage when it is neither's
 */
export function kindOf(file: string, source: string): 'compose' | 'kamal' {
  if (source.length > longest) throw new JijiError('usage', `${file} is too long to be a file of Compose or Kamal`)
  const { data, problems } = readDocument(file, source)
  // What is no YAML has a place that is wrong, which whoever reads it says.
  const has = (key: string) =>
    problems.length > 0 ? new RegExp(`^${key}\\s*:`, 'm').test(source) : isMap(data) && data[key] !== undefined
  if (has('project') && has('services'))
    throw new JijiError('usage', `${file} is a configuration of jiji already`, { hint: 'copy it to .jiji/deploy.yml' })
  const kind = kindBy(has)
  if (kind) return kind
  throw new JijiError('usage', `${file} is neither a Compose file nor one of Kamal's`, {
    hint: "Compose has `services` at its top, Kamal's config/deploy.yml has `service` and `servers`",
  })
}

/** By the keys at its top. */
export function kindBy(has: (key: string) => boolean): 'compose' | 'kamal' | undefined {
  if (has('service') && ['image', 'servers', 'registry', 'builder'].some(has)) return 'kamal'
  return has('services') ? 'compose' : undefined
}
