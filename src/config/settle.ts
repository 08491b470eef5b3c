import { JijiError } from '../errors.ts'
import { build } from './build.ts'
import type { Config } from './config.ts'
import type { Path } from './document.ts'
import { at, type Draft, remove } from './draft.ts'
import { type Finding, findingsOf } from './issues.ts'
import { checkRules, references } from './rules.ts'
import { schema } from './schema.ts'

export type Removed = { path: Path; why: string }
export type Settled = {
  config: Config
  /** What builds need and the disk has not. */
  missing: string[]
}

/**
 * Takes out of a draft what no configuration can hold, one thing after the other, with the reason that whoever wrote it
 * in a file would be told. What a build needs may still be missing on the disk.
 * @throws JijiError config.invalid when nothing is left
 */
export function settle(draft: Draft, root: string, onRemove: (removed: Removed) => void): Settled {
  for (;;) {
    const parsed = schema.safeParse(draft)
    const found = parsed.success ? checkRules(parsed.data, root) : findingsOf(parsed.error, schema)
    const isMissing = ({ path, code }: Finding) => code === 'missing-file' && path[2] === 'build'
    const wrong = found.filter(one => !isMissing(one))
    if (wrong.length === 0 && parsed.success) {
      const files = { root, files: [], environment: undefined, warnings: [] }
      const config = build(parsed.data, { ...files, locate: () => ({ file: '', line: 1, column: 1 }) })
      return { config, missing: [...new Set(found.map(({ message }) => message))] }
    }
    // Of two that do not go together, one may stay.
    removeAll(draft, parsed.success ? wrong.slice(0, 1) : wrong, onRemove)
  }
}

/** From behind, so that what is before it in a list keeps its place. */
function removeAll(draft: Draft, findings: readonly Finding[], onRemove: (removed: Removed) => void): void {
  const gone: Path[] = []
  for (const { path: wanted, message, hint } of findings.toReversed()) {
    if (gone.some(above => above.every((step, index) => wanted[index] === step))) continue
    const path = existing(draft, wanted)
    if (path.length === 0) throw new JijiError('config.invalid', `nothing is left to be deployed: ${message}`)
    onRemove({ path, why: hint ? `${message} (${hint})` : message })
    remove(draft, path)
    gone.push(path)
  }
}

/** The names of all secrets that a configuration refers to, each once. */
export function secretNames(config: Config): string[] {
  const names = references(config).flatMap(({ reference }) => (reference.isName ? [reference.text] : []))
  return [...new Set(names)]
}

/** What lacks something goes as a whole. */
function existing(draft: Draft, path: Path): Path {
  let found = path
  while (found.length > 0 && at(draft, found) === undefined) found = found.slice(0, -1)
  return found
}
